import { Endpoint } from "../../schema/endpoint.ts";
import { describe, expect, it } from "vitest";
import { fakeRunResults, fakeScore, NATURAL, think } from "../../../test/report/fake-run-results.ts";
import { costOf } from "./cost.ts";
import { examplesOf, tracesOf } from "./examples.ts";
import { factsOf } from "./facts.ts";
import { funnelOf } from "./funnel.ts";
import { headlineOf } from "./headline.ts";
import { knownLimits, teacherHonesty } from "./honesty.ts";
import { sweepOf } from "./sweep.ts";
import type { LaunchedJob } from "../../schema/launched-job.ts";
import { trainingOf } from "./training.ts";

describe("headlineOf", () => {
  it("does not round a few to none, nor most to all", () => {
    const scores = [
      fakeScore({ model: "base", setting: { mode: "direct", budgetTokens: 0, waits: 0 }, correct: 1, tokens: 0 }),
      fakeScore({ model: "student", setting: think(NATURAL), correct: 299, tokens: 100 }),
    ];
    const headline = headlineOf(fakeRunResults({ scores }));
    expect([headline.base.value, headline.student.value]).toEqual(["0.3 %", "99.7 %"]);
  });

  it("names the mode in which the base did best", () => {
    const scores = [
      fakeScore({ model: "base", setting: { mode: "direct", budgetTokens: 0, waits: 0 }, correct: 1, tokens: 0 }),
      fakeScore({ model: "base", setting: think(NATURAL), correct: 9, tokens: 44 }),
    ];
    const { base, student, sentence } = headlineOf(fakeRunResults({ scores }));
    expect(base).toMatchObject({ value: "3 %", label: "base at its best: told to think" });
    expect(student.value).toBe("–");
    expect(sentence).toBe("Nothing was scored, so this run shows neither a gain nor a loss.");
  });
});

describe("funnelOf", () => {
  it("sums the small reasons and measures against the widest stage", () => {
    const reasons = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`reason_${index}`, index]));
    const [row] = funnelOf([{ stage: "grade", in: 100, kept: 64, dropped: 36, reasons }]);
    expect(row).toMatchObject({ keptShare: 0.64, droppedShare: 0.36, words: "answers checked by rule" });
    expect(row!.reasons.map(({ reason, count }) => `${reason}:${count}`)).toEqual([
      "reason 8:8",
      "reason 7:7",
      "reason 6:6",
      "reason 5:5",
      "reason 4:4",
      "reason 3:3",
      "other reasons:3",
    ]);
  });

  it("takes a stage named like a property of Object for an unknown stage", () => {
    const decontaminated = { stage: "decontaminate", in: 1, kept: 1, dropped: 0, reasons: {} };
    expect(
      funnelOf([decontaminated, { ...decontaminated, note: "not checked against aime24" }]).map(({ note }) => note),
    ).toEqual(["", "not checked against aime24"]);
    expect(funnelOf([{ stage: "constructor", in: 1, kept: 1, dropped: 0, reasons: {} }])[0]!.words).toBe("");
  });
});

describe("examplesOf and tracesOf", () => {
  it("orders base first, then along the sweep, and states the outcome", () => {
    const [first] = fakeRunResults().examples;
    const shuffled = { ...first!, replies: [...first!.replies].reverse() };
    const [example] = examplesOf(fakeRunResults({ examples: [shuffled] }));
    expect(example!.replies.map(({ title, outcome }) => `${title}: ${outcome}`)).toEqual([
      "base, direct answer: wrong: 125, not 690",
      "student, cut at 32: wrong: 125, not 690",
      "student, natural end: wrong: 680, not 690",
      "student, 1 Wait: right: 690",
    ]);
    expect(example!.replies[1]!.answer[0]).toEqual({ text: "Final Answer:", isMarked: true });
  });

  it("counts trained and read tokens of the mask", () => {
    expect(tracesOf(fakeRunResults())[0]!.facts).toBe("251 thinking tokens; 262 tokens trained on, 35 only read");
  });
});

const LAUNCHED_JOB: LaunchedJob = {
  schemaVersion: 1,
  launcher: "ray",
  name: "grappa-0",
  job: "grappa-0-t1",
  base: "hf:Qwen/Qwen2.5-7B@c0ffee",
  method: "lora",
  device: "cuda",
  gpu: "NVIDIA H100 80GB HBM3",
  processes: 8,
  nodes: 1,
  precision: "bf16",
  attention: "flash",
  sharding: "ddp",
  parameters: 7.6e9,
  trainableParameters: 40e6,
  versions: { torch: "2.13.0" },
  tries: 2,
  startedAt: null,
  endedAt: null,
  seconds: 1560,
  gpus: 8,
  microUsdPerGpuHour: 3_600_000,
  priceSource: "recipe",
  priceAsOf: "as given",
  costMicroUsd: 12_480_000,
  isEstimated: true,
  tokensPerSecond: 12_300,
  utilisation: 0.31,
  peakMemoryBytes: 66e9,
};

describe("trainingOf", () => {
  it("smooths without lag and finds the ends of epochs", () => {
    const steps = Array.from({ length: 600 }, (_, index) => ({
      schemaVersion: 1 as const,
      step: index + 1,
      epoch: (index + 1) / 120,
      loss: 6 - index / 100 + (index % 2 === 0 ? 0.5 : -0.5),
      gradientNorm: 1,
      learningRate: 1e-3,
      tokens: 10,
    }));
    const training = trainingOf(fakeRunResults({ trainSteps: steps }));
    const middle = training.smooth.find(({ step }) => step === 301)!;
    expect(middle.loss).toBeCloseTo(3, 1);
    expect(training.epochEnds).toEqual([120, 240, 360, 480]);
    expect(training.raw.length).toBeLessThanOrEqual(401);
    expect(training.raw.at(-1)!.step).toBe(600);
  });

  it("draws the learning rate as a share of its highest, and names what is odd in the curve", () => {
    const steps = Array.from({ length: 60 }, (_, index) => ({
      schemaVersion: 1 as const,
      step: index + 1,
      epoch: (index + 1) / 60,
      loss: 2,
      gradientNorm: 1,
      learningRate: index < 30 ? 1e-5 : 5e-6,
      tokens: 10,
    }));
    const training = trainingOf(fakeRunResults({ trainSteps: steps }));
    expect(training.highestRate).toBe(1e-5);
    expect([training.rate[0], training.rate.at(-1)]).toEqual([
      { step: 1, share: 1 },
      { step: 60, share: 0.5 },
    ]);
    expect(training.findings.join()).toContain("After 30 steps the loss is 2.000, and was 2.000 at the beginning");
    expect(training.job).toBeNull();
  });

  it("tells where it was trained, what is measured and what is not", () => {
    const { job } = trainingOf(fakeRunResults({ training: LAUNCHED_JOB }));
    const cells = job?.rows.map(({ cells: [what, value] }) => [what?.text, value?.text, value?.basis]);
    expect(cells).toEqual([
      ["backend", "PyTorch 2.13.0 by ray, job grappa-0-t1", undefined],
      ["base", "hf:Qwen/Qwen2.5-7B@c0ffee", undefined],
      ["hardware", "8 x NVIDIA H100 80GB HBM3", undefined],
      ["method", "LoRA, 7.6 billion parameters, 40.0 million trained, bf16, flash, ddp", undefined],
      ["time", "26 min 00 s, 2 tries", "measured"],
      ["speed", "12,300 tokens a second", "measured"],
      ["use of the GPUs (MFU)", "31.0 %", "measured"],
      ["peak memory of a GPU", "61.5 GiB", "measured"],
      ["cost", "$12.48: 8 GPUs at $3.60 an hour (recipe, as given)", "estimated"],
    ]);
  });

  it("says how many losses were not finite", () => {
    const { trainSteps } = fakeRunResults();
    const broken = trainSteps.map((step, index) => (index === 5 ? { ...step, loss: Number.NaN } : step));
    const training = trainingOf(fakeRunResults({ trainSteps: broken }));
    expect(training.sentence).toContain("1 steps had no finite loss");
    expect(training.raw.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });
});

describe("costOf", () => {
  it("calls only an empty ledger free, and tags what was not measured", () => {
    const results = fakeRunResults();
    expect(costOf(results).sentence).toBe("4 min 28 s and $0, free: everything ran on this machine.");
    const teacher = Endpoint.parse({ type: "openai-compatible", baseUrl: "https://x.example/v1", model: "m" });
    const remote = { ...results.recipe, trace: { ...results.recipe.trace, teacher } };
    expect(costOf({ ...results, recipe: remote }).sentence).toContain("$0, free: the teacher's price is $0.");
    const paid = { ...results.ledger[2]!, costUsd: 0.42, costBasis: "estimated" as const };
    const { sentence, table } = costOf({ ...results, spentUsd: 0.42, spentBasis: "estimated", ledger: [paid] });
    expect(sentence).toBe("4 min 28 s and $0.42 (estimated), of at most $0 allowed.");
    expect(table.rows[0]!.cells[4]).toEqual({ text: "$0.42", basis: "estimated" });
  });
});

describe("sweepOf", () => {
  it("has a row for every setting with n and interval, and Wait both ways", () => {
    const { settings, waits, families, metrics } = sweepOf(fakeRunResults());
    expect(settings.rows.map(({ cells }) => cells[0]!.text)).toContain("base, told to think");
    expect(
      settings.rows.find(({ cells }) => cells[0]!.text === "student, natural end")!.cells.map(({ text }) => text),
    ).toEqual(["student, natural end", "79.0 %", "74.0–83.2 %", "182", "300"]);
    expect(waits!.rows[0]!.cells.map(({ text }) => text)).toEqual(["1 Wait", "38", "8", "300", "< 0.0001"]);
    expect(families.columns.map(({ label }) => label)).toEqual([
      "model and setting",
      "arithmetic",
      "program",
      "thinking cut",
      "no answer",
    ]);
    expect(metrics).toContain(
      "Scaling: +21.6 points for each doubling of thinking tokens (95 % interval +19.8 to +23.5).",
    );
  });

  it("says that Scaling has no interval where nothing varied", () => {
    const metrics = { pointsPerDoubling: 0, interval: null, control: 1, performance: 0 };
    expect(sweepOf(fakeRunResults({ metrics })).metrics).toContain("thinking tokens (no interval: nothing varied).");
  });

  it("has no table of Waits where none was forced", () => {
    const { verdict } = fakeRunResults();
    expect(sweepOf(fakeRunResults({ verdict: { ...verdict, waits: [] } })).waits).toBeNull();
  });
});

describe("honesty", () => {
  it("names the simulated teacher and its slips, and the harm of Wait", () => {
    const results = fakeRunResults();
    expect(teacherHonesty(results.recipe)).toContain("programmatic and simulated");
    expect(teacherHonesty(results.recipe)).toContain("slips in 25 % of its quick passes");
    expect(knownLimits(results).join(" ")).toContain("up to 10 right answers turned wrong");
  });

  it("says nothing of Wait, cuts or missing answers where there were none", () => {
    const score = {
      ...fakeScore({ model: "student", setting: think(NATURAL), correct: 237, tokens: 182 }),
      cutShare: 0,
      noAnswerShare: 0,
    };
    const { verdict } = fakeRunResults();
    const limits = knownLimits(fakeRunResults({ scores: [score], verdict: { ...verdict, waits: [] } }));
    expect(limits).toHaveLength(3);
  });
});

it("factsOf writes the recipe as --set takes it", () => {
  const { recipe } = factsOf(fakeRunResults());
  expect(recipe.split("\n")).toContain("train.epochs=5");
  expect(recipe).toContain("evaluate.budgets=[16,32,64,96,128]");
});
