/** @file Base and student asked by a launcher: the very files that the embedded engine's evaluation leaves, paid once, gone on with. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EngineHost, openEngine } from "../../src/adapters/engine/open-engine.ts";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { readJournal } from "../../src/adapters/journal/journal-pass.ts";
import type { JobSpec, Launcher } from "../../src/adapters/launchers/launcher.ts";
import { buildStages, teacherWorld } from "../../src/pipeline/open-services.ts";
import type { RunEvent } from "../../src/pipeline/run-events.ts";
import { type RunOutcome, runPipeline } from "../../src/pipeline/run-pipeline.ts";
import { GenerateReply } from "../../src/schema/generate-job.ts";
import type { StageName } from "../../src/schema/manifest.ts";
import { FakeLauncher } from "./fake-launcher.ts";
import { GenerateLauncher, type GenerateTry } from "./generate-launcher.ts";
import { fakeWorld, launchedRecipe, requestOf, trainedRun } from "./training-lab.ts";

let prepared: string;
let folder: string;
let engine: EngineHost;
let events: RunEvent[];
let jobs: GenerateLauncher | undefined;
const opened: JobSpec[] = [];

beforeAll(async () => {
  prepared = mkdtempSync(join(tmpdir(), "grappa-launched-evaluation-"));
  await trainedRun(prepared);
  engine = await openEngine({ threads: 1, memoryBytes: 1 << 27 });
}, 60_000);
afterAll(async () => {
  await engine.close();
  rmSync(prepared, { recursive: true, force: true });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-evaluated-"));
  cpSync(prepared, folder, { recursive: true });
  events = [];
  jobs = undefined;
  opened.length = 0;
  return () => rmSync(folder, { recursive: true, force: true });
});

const EVALUATE = { count: 6, budgets: [4, 16], waits: [1], continuations: [1], samples: 0, answerTokens: 8 };

/** Runs to the end of a stage; the training's student is its base. */
async function run(evaluate: object, tries?: (number: number) => GenerateTry, more: object = {}): Promise<RunOutcome> {
  const recipe = launchedRecipe({}, { evaluate: { ...EVALUATE, ...evaluate }, ...more });
  const now = (): number => Date.now();
  const waiting = {
    now,
    seed: 0,
    sleep: (ms: number) => new Promise<void>((r) => void setTimeout(r, Math.min(ms, 5))),
  };
  const asking = new GenerateLauncher(join(folder, "jobs"), tries, jobs?.tries);
  jobs = asking;
  const training = new FakeLauncher({ folder: join(folder, "cluster"), now, stepMs: 2, loadMs: 2 });
  const launched = {
    ...fakeWorld(() => training, { now, waiting }),
    isHeldHere: true,
    openLauncher: async () => both(training, asking),
  };
  const stages = buildStages(() => Promise.resolve(engine), teacherWorld({ secrets: () => undefined, runFolder: "" }), {
    launched,
  });
  let time = 0;
  return await runPipeline(
    {
      ...requestOf(folder, recipe),
      stages,
      until: "evaluate",
      mayChange: true,
      signal: new AbortController().signal,
    },
    {
      fs: nodeFileSystem(),
      processes: { self: { pid: 7, host: "here", birth: "" }, isAlive: () => false },
      clock: { now: () => (time += 1), date: () => "2026-01-01T00:00:00.000Z" },
      observe: (event) => void events.push(event),
      machine: {},
    },
  );
}

/** One launcher: trainings by the clock, generate jobs in earnest. */
function both(training: FakeLauncher, asking: GenerateLauncher): Launcher {
  const isAsking = (name: string): boolean => asking.tries.some(({ spec }) => spec.name === name);
  const of = (name: string): Launcher => (isAsking(name) ? asking : training);
  return {
    type: "ray",
    gpus: 8,
    graceSeconds: 0,
    gpusOnce: async () => await asking.gpusOnce(),
    place: () => Promise.resolve("here"),
    find: async (name, signal) => await of(name).find(name, signal),
    submit: async (spec) => {
      opened.push(spec);
      return await (spec.program === "generate.py" ? asking : training).submit(spec);
    },
    status: (handle, signal) => of(handle.name).status(handle, signal),
    logs: (handle, signal) => of(handle.name).logs(handle, signal),
    cancel: (handle, signal) => of(handle.name).cancel(handle, signal),
    fetch: (handle, path, to, signal) => of(handle.name).fetch(handle, path, to, signal),
    close: () => Promise.resolve(),
  };
}

function read(stage: StageName, file: string): string {
  const stages = join(folder, "run", "stages");
  const place = readdirSync(stages).find((name) => name.startsWith(`${stage}-`)) ?? "missing";
  return readFileSync(join(stages, place, file), "utf8");
}

/** Replies that the job gave more than once. */
function repliesTwice(): string[] {
  const text = readFileSync(join(folder, "jobs", jobs?.tries[0]?.spec.name ?? "", "out/replies.jsonl"), "utf8");
  const places = text
    .split("\n")
    .slice(0, -1)
    .map((line) => GenerateReply.parse(JSON.parse(line)))
    .map(({ model, key, place }) => `${model}/${key}/${place}`);
  expect(places.length).toBe(48);
  return places.filter((place, i) => places.indexOf(place) !== i);
}

async function booked(account: string): Promise<{ microUsd: number; open: number }> {
  const sum = { microUsd: 0, open: 0 };
  for await (const one of readJournal(join(folder, "run", "journal/requests.jsonl"))) {
    if (one.account !== account) continue;
    sum.microUsd += one.costMicroUsd;
    if (one.outcome === "open") sum.open += 1;
  }
  return sum;
}

const FILES = ["questions.jsonl", "completions.jsonl", "scores.jsonl", "verdict.json"];

describe("an evaluation by a launcher", () => {
  test("leaves what the embedded engine's leaves, byte for byte, and is paid from its times", async () => {
    await run({ on: "embedded" });
    const here = FILES.map((file) => read("evaluate", file));
    expect(opened.filter(({ program }) => program === "generate.py")).toEqual([]);
    rmSync(
      join(folder, "run", "stages", readdirSync(join(folder, "run", "stages")).find((n) => n.startsWith("evaluate-"))!),
      { recursive: true },
    );
    const { manifests } = await run({ on: "launcher" });
    expect(FILES.map((file) => read("evaluate", file))).toEqual(here);
    const [asked] = opened.filter(({ program }) => program === "generate.py");
    expect(asked).toMatchObject({ isDistributed: false, args: ["job.json"] });
    expect(asked?.files.map(({ path }) => path)).toEqual([
      "generate.mjs",
      "prompts.jsonl",
      "base",
      "student",
      "job.json",
    ]);
    const job = jobs?.tries[0];
    const ms = (job?.endedAt ?? 0) - (job?.startedAt ?? 0);
    // One of the two nodes, 4 of the 8 GPUs: its program runs once.
    const expected = Math.ceil((4 * 3_600_000 * ms) / 3_600_000);
    expect(await booked("evaluate")).toEqual({ microUsd: expected, open: 0 });
    expect(manifests.at(-1)?.notes).toMatchObject({ costMicroUsd: expected, isEstimated: false });
  }, 60_000);

  test("goes on on another machine when one is lost, and asks for nothing twice", async () => {
    await run({ on: "launcher" }, (number) => (number === 1 ? { lostAfter: 9 } : {}));
    expect(jobs?.tries.map(({ state }) => state)).toEqual(["failed", "succeeded"]);
    expect(repliesTwice()).toEqual([]);
    expect((await booked("evaluate")).open).toBe(0);
    expect(events.some((event) => event.type === "warning" && event.message.includes("is submitted again"))).toBe(true);
  }, 60_000);

  test("keeps its replies when its time is over, and goes on when there is more money", async () => {
    const stopped = run({ on: "launcher" }, () => ({ stoppedAfter: 9 }));
    await expect(stopped).rejects.toMatchObject({
      code: "budget-exceeded",
      message: expect.stringMatching(/with \d+ of 48 replies; they are kept/),
    });
    const { microUsd, open } = await booked("evaluate");
    expect([microUsd > 0, open]).toEqual([true, 0]);
    await run({ on: "launcher" });
    expect(jobs?.tries.map(({ spec, state }) => [state, spec.again])).toEqual([
      ["succeeded", undefined],
      ["succeeded", true],
    ]);
    expect(repliesTwice()).toEqual([]);
    expect((await booked("evaluate")).microUsd).toBeGreaterThan(microUsd);
  }, 60_000);

  test("says what the job said when it cannot", async () => {
    const failed = run({ on: "launcher" }, () => ({ failure: { code: "no-node", message: "there is no Node here" } }));
    await expect(failed).rejects.toMatchObject({
      code: "provider-permanent",
      message: expect.stringContaining("there is no Node here"),
    });
    expect(jobs?.tries).toHaveLength(1);
  }, 60_000);

  test("starts nothing that its cap cannot pay", async () => {
    await expect(run({ on: "launcher", maxUsd: 0.01 })).rejects.toMatchObject({ code: "budget-exceeded" });
    expect(jobs?.tries).toEqual([]);
  }, 60_000);
});

test("the base's tries by the launcher are those of the embedded engine", async () => {
  const attempt = { attempt: { modes: ["direct", "think"], thinkBudgetTokens: 12 } };
  await run({ on: "launcher", answerTokens: 16 }, undefined, attempt);
  const there = read("attempt", "attempts.jsonl").replaceAll(/"model":"[^"]*"/g, "");
  rmSync(join(folder, "run"), { recursive: true });
  await run({ on: "embedded", answerTokens: 16 }, undefined, attempt);
  expect(read("attempt", "attempts.jsonl").replaceAll(/"model":"[^"]*"/g, "")).toEqual(there);
  expect(there.split("\n").length).toBeGreaterThan(10);
}, 60_000);
