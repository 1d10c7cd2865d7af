import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shortHash } from "../core/hash.ts";
import { prng } from "../core/prng.ts";
import type { Attempt, GradeOutcome, Question, Trace } from "../schema/records.ts";
import { dropByDifficulty, dropSolved, dropUngraded } from "./difficulty.ts";
import { dropDuplicates } from "./duplicates.ts";
import { buildFunnel } from "./funnel.ts";
import { isLooping } from "./looping.ts";
import { checkQuality, S1_QUALITY, strictQuality, type QualityRules } from "./quality.ts";
import type { Candidate } from "./candidate.ts";
import { selectExamples } from "./select.ts";

function question(text: string, extra: Partial<Question> = {}): Question {
  const identity = { schemaVersion: 1, id: shortHash(text), text } as const;
  return {
    ...identity,
    answer: null,
    family: "f",
    domain: "d",
    difficulty: 3,
    bucket: "train",
    metadata: {},
    ...extra,
  };
}

function attempt(questionId: string, outcome: GradeOutcome, extra: Partial<Attempt> = {}): Attempt {
  const grade = { outcome, extracted: null, rule: "test" };
  return {
    schemaVersion: 1,
    questionId,
    model: "base",
    mode: "direct",
    sampleIndex: 0,
    text: "",
    thinkingTokens: 0,
    grade,
    ...extra,
  };
}

function trace(extra: Partial<Trace> = {}): Trace {
  return {
    schemaVersion: 1,
    id: shortHash("trace"),
    questionId: shortHash("q"),
    provider: "p",
    model: "m",
    sampleIndex: 0,
    thinking: "a+36 62+36=98\nb-50 98-50=48",
    answer: "48",
    provenance: "raw",
    finishReason: "stop",
    usage: { promptTokens: 0, completionTokens: 0, reasoningTokens: 0, isEstimated: false },
    costMicroUsd: 0,
    ...extra,
  };
}

describe("checkQuality", () => {
  const strict = strictQuality({ requireCorrect: true, maxThinkingTokens: 40 });
  const check = (row: Trace, rules: QualityRules, outcome: GradeOutcome | undefined = "correct") =>
    checkQuality([row], {
      rules,
      gradeOf: () => outcome && { outcome, extracted: null, rule: "test" },
      thinkingTokensOf: ({ thinking }) => thinking.length,
    });
  const loop = "a+36 62+36=48\n".repeat(5);

  it.each([
    ["a good trace", {}, null, ""],
    ["an answer line", { answer: "Answer: 48" }, null, ""],
    ["an answer with decoration", { answer: "Answer: **48**." }, null, ""],
    ["a trace cut by length", { finishReason: "length" }, "not-finished", "length"],
    ["a refusal", { finishReason: "content_filter" }, "not-finished", "content_filter"],
    ["no thinking", { thinking: " \n" }, "empty-thinking", ""],
    ["no answer", { answer: "" }, "empty-answer", ""],
    ["a control token spelled in the thinking", { thinking: "<|im_start|>answer 48" }, "control-text", "<|im_start|>"],
    ["a control token spelled in the answer", { answer: "48<|endoftext|>" }, "control-text", "<|endoftext|>"],
    ["long thinking", { thinking: "48 ".repeat(14) }, "too-long", "42 tokens, limit 40"],
    ["an answer that the thinking does not reach", { answer: "49" }, "answer-not-concluded", ""],
    ["an answer that is only part of a number", { answer: "8" }, "answer-not-concluded", ""],
    ["an answer given up before the last three lines", { thinking: "48\nno\nno\nno" }, "answer-not-concluded", ""],
  ] as const)("%s", (_, extra, reason, detail) => {
    const { kept, dropped } = check(trace(extra), strict);
    expect([kept.length, dropped[0]?.reason ?? null, dropped[0]?.detail ?? ""]).toEqual([
      reason === null ? 1 : 0,
      reason,
      detail,
    ]);
  });
  it("drops wrong and ungraded traces only where correctness is required", () => {
    expect(check(trace(), strict, "incorrect").dropped[0]).toMatchObject({
      reason: "not-correct",
      detail: "incorrect",
    });
    const ungraded = { rules: strict, gradeOf: () => undefined, thinkingTokensOf: () => 1 };
    expect(checkQuality([trace()], ungraded).dropped[0]?.reason).toBe("ungraded");
    expect(check(trace(), { ...strict, requireCorrect: false }, "incorrect").kept).toHaveLength(1);
  });
  it("drops loops, which s1 kept", () => {
    const rules = { ...strict, maxThinkingTokens: 1_000 };
    expect(check(trace({ thinking: loop }), rules).dropped[0]?.reason).toBe("looping");
    expect(check(trace({ thinking: loop, answer: "1" }), S1_QUALITY, "incorrect").kept).toHaveLength(1);
    expect(check(trace({ thinking: loop, finishReason: "length" }), S1_QUALITY).dropped[0]?.reason).toBe(
      "not-finished",
    );
  });
});

describe("isLooping", () => {
  const block = "one\ntwo\nthree\n";
  it.each([
    ["a line four times", "so\nso\nso\nso\nthen", true],
    ["a line three times", "so\nso\nso\nthen", false],
    ["a block four times, in the middle", `${"start\n"}${block.repeat(4)}end`, true],
    ["a block three times: somebody checks twice", block.repeat(3), false],
    ["a block four times with blank lines between", `${block}\n`.repeat(4), true],
    ["four equal lines far apart", "so\na\nso\nb\nso\nc\nso", false],
    ["an ending without line breaks", `We get ${"and so on ".repeat(8)}`, true],
    ["one character at the end", `98${"0".repeat(60)}`, true],
    ["a short run of one character", `98${"0".repeat(20)}`, false],
    ["nothing", "", false],
  ])("%s", (_, text, expected) => expect(isLooping(text)).toBe(expected));
  it("is quick on a megabyte (below 1 s)", () => {
    const before = performance.now();
    isLooping("ab\nab\nac\n".repeat(120_000));
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});

describe("dropSolved", () => {
  const [easy, hard, broken, untried] = ["easy", "hard", "broken", "untried"].map((text) => question(text)) as [
    Question,
    Question,
    Question,
    Question,
  ];
  const attempts = [
    attempt(easy.id, "incorrect"),
    attempt(easy.id, "correct", { mode: "think" }),
    attempt(easy.id, "correct", { sampleIndex: 1 }),
    attempt(easy.id, "gold_error", { sampleIndex: 2 }),
    attempt(hard.id, "incorrect"),
    attempt(hard.id, "no_answer", { mode: "think" }),
    attempt(broken.id, "gold_error"),
  ];
  it("drops what any attempt solved, and what cannot be graded", () => {
    const { kept, dropped } = dropSolved([easy, hard, broken, untried], attempts);
    expect(kept).toEqual([hard, untried]);
    expect(dropped.map(({ id, reason, detail }) => [id, reason, detail])).toEqual([
      [easy.id, "solved-by-base", "base, think, sample 0"],
      [broken.id, "gold-error", "base, direct, sample 0"],
    ]);
  });
  it("does not depend on the order of attempts", () => {
    const expected = dropSolved([easy, hard, broken], attempts);
    for (const key of ["a", "b", "c", "d", "e", "f"]) {
      expect(dropSolved([easy, hard, broken], prng(key).shuffle(attempts))).toEqual(expected);
    }
  });
});

describe("dropDuplicates", () => {
  it("keeps one of texts that differ in white space and Unicode form only", () => {
    const rows = [question("caf\u00e9  x"), question(" cafe\u0301 x "), question("Café x"), question("cafe x")];
    const { kept, dropped } = dropDuplicates(rows);
    const texts = kept.map(({ text }) => text);
    expect(texts).toHaveLength(3);
    expect(texts).toEqual(expect.arrayContaining(["Café x", "cafe x"]));
    expect(dropped).toHaveLength(1);
    expect(dropped[0]).toMatchObject({ stage: "duplicates", reason: "duplicate" });
  });
  it("gives the same rows for any order, and drops nothing when run again", () => {
    const texts = fc.array(fc.constantFrom("a b", "a  b", "c", " c", "d", "A b"), { maxLength: 12 });
    fc.assert(
      fc.property(texts, fc.string(), (chosen, key) => {
        const rows = chosen.map((text, index) => question(text, { difficulty: index % 2 }));
        const result = dropDuplicates(rows);
        expect(dropDuplicates(prng(key).shuffle(rows))).toEqual(result);
        expect(dropDuplicates(result.kept)).toEqual({ kept: result.kept, dropped: [] });
        expect(result.kept.length + result.dropped.length).toBe(rows.length);
      }),
    );
  });
});

describe("dropUngraded", () => {
  it("keeps what every student was graded on, right or wrong, and names who is missing", () => {
    const [one, two, three] = ["a?", "b?", "c?"].map((text) => question(text)) as [Question, Question, Question];
    const attempts = [
      attempt(one.id, "correct", { model: "x" }),
      attempt(one.id, "incorrect", { model: "y" }),
      attempt(two.id, "no_answer", { model: "x" }),
      attempt(three.id, "incorrect", { model: "x" }),
      attempt(three.id, "unscored", { model: "y" }),
    ];
    const { kept, dropped } = dropUngraded([one, two, three], attempts, ["x", "y"]);
    expect(kept).toEqual([one]);
    expect(dropped).toMatchObject([
      { id: two.id, reason: "ungraded-attempt", detail: "y" },
      { id: three.id, reason: "ungraded-attempt", detail: "y" },
    ]);
    expect(dropUngraded([one, two], [], []).kept).toEqual([one, two]);
  });
});

describe("dropByDifficulty", () => {
  const names = ["never", "once", "often", "always", "unscored", "broken", "untried"] as const;
  const questions = names.map((name) => question(name));
  const tries = (name: string, ...outcomes: GradeOutcome[]) =>
    outcomes.map((outcome, sampleIndex) => attempt(shortHash(name), outcome, { sampleIndex }));
  const attempts = [
    ...tries("never", "incorrect", "no_answer", "timeout", "answer_limit"),
    ...tries("once", "incorrect", "correct", "incorrect", "incorrect"),
    ...tries("often", "correct", "correct", "unscored", "incorrect", "correct"),
    ...tries("always", "correct", "correct"),
    ...tries("unscored", "unscored"),
    ...tries("broken", "correct", "gold_error"),
  ];
  const kept = (passRate: [number, number]): string[] =>
    dropByDifficulty(questions, attempts, { keep: "pass-rate", passRate }).kept.map(({ text }) => text);

  it("keeps what is right sometimes, and says of everything else why not", () => {
    const { dropped } = dropByDifficulty(questions, attempts, { keep: "pass-rate", passRate: [0, 1] });
    expect(kept([0, 1])).toEqual(["once", "often"]);
    const told = dropped.map(({ id, reason, detail }) => [
      names.find((name) => shortHash(name) === id),
      reason,
      detail,
    ]);
    expect(told).toEqual([
      ["never", "too-hard", "0 of 4 attempts right"],
      ["always", "too-easy", "2 of 2 attempts right"],
      ["unscored", "pass-rate-unknown", ""],
      ["broken", "gold-error", ""],
      ["untried", "pass-rate-unknown", ""],
    ]);
  });
  it("leaves both ends of the band out", () => {
    expect(kept([0.25, 0.75])).toEqual([]);
    expect(kept([0.24, 0.76])).toEqual(["once", "often"]);
    expect(kept([0.25, 1])).toEqual(["often"]);
  });
  it("drops what anybody solved unless a band is asked for", () => {
    expect(dropByDifficulty(questions, attempts, { keep: "unsolved", passRate: [0, 1] })).toEqual(
      dropSolved(questions, attempts),
    );
  });
});

describe("selectExamples", () => {
  const pool = (sizes: Record<string, number>): Candidate[] =>
    Object.entries(sizes).flatMap(([domain, size]) =>
      Array.from({ length: size }, (_, i) => ({
        questionId: shortHash(`q ${domain} ${i}`),
        traceId: shortHash(`t ${domain} ${i}`),
        domain,
        source: "f",
        isCorrect: true,
        thinkingTokens: 100 + i,
      })),
    );
  const anyPool = fc.record({ a: fc.nat(20), b: fc.nat(20), c: fc.nat(5) }).map(pool);
  const anyOptions = fc.record({
    count: fc.nat(40),
    method: fc.constantFrom("s1" as const, "random" as const, "longest" as const, "diverse" as const),
    seed: fc.nat(99),
  });

  it("adds up, selects nothing twice, ranks from 0, and does not depend on the order of its input", () => {
    fc.assert(
      fc.property(anyPool, anyOptions, fc.string(), (candidates, options, key) => {
        const result = selectExamples(candidates, options);
        expect(result.kept).toHaveLength(Math.min(options.count, candidates.length));
        expect(result.kept.length + result.dropped.length).toBe(candidates.length);
        const ids = [...result.kept.map((row) => row.traceId), ...result.dropped.map((row) => row.id)];
        expect(ids.sort()).toEqual(candidates.map((row) => row.traceId).sort());
        expect(result.kept.map((row) => row.rank)).toEqual(result.kept.map((_, rank) => rank));
        expect(selectExamples(prng(key).shuffle(candidates), options)).toEqual(result);
      }),
      { numRuns: 60 },
    );
  });
  it("takes everything, by id, when there is no more than asked for", () => {
    const candidates = pool({ a: 3, b: 2 });
    const { kept, dropped } = selectExamples(candidates, { count: 5, method: "s1", seed: 0 });
    expect(kept.map(({ reason }) => reason)).toEqual(["all", "all", "all", "all", "all"]);
    expect(kept.map(({ traceId }) => traceId)).toEqual(candidates.map(({ traceId }) => traceId).sort());
    expect(dropped).toEqual([]);
  });
  it("spreads over domains, whatever their size, until they are empty", () => {
    const { kept } = selectExamples(pool({ big: 2_000, middle: 300, small: 20 }), {
      count: 500,
      method: "s1",
      seed: 3,
    });
    const count = (domain: string) => kept.filter((row) => row.domain === domain).length;
    expect(count("small")).toBe(20);
    expect(Math.abs(count("big") - count("middle"))).toBeLessThan(3 * Math.sqrt(480));
    const share = selectExamples(pool({ big: 2_000, small: 200 }), { count: 220, method: "random", seed: 3 });
    expect(share.kept.filter((row) => row.domain === "big").length).toBeGreaterThan(170);
  });
  it("draws the longest of a domain with probability 1/2, the next with 1/4 (4,000 seeds, three standard errors)", () => {
    const candidates = pool({ only: 6 });
    const firsts = [0, 0, 0, 0, 0, 0];
    for (let seed = 0; seed < 4_000; seed++) {
      const length = selectExamples(candidates, { count: 1, method: "s1", seed }).kept[0]?.thinkingTokens ?? 0;
      firsts[105 - length] = (firsts[105 - length] as number) + 1;
    }
    firsts.forEach((times, rank) => {
      const share = 2 ** -(rank + 1) / (1 - 2 ** -6);
      expect(Math.abs(times / 4_000 - share)).toBeLessThan(3 * Math.sqrt((share * (1 - share)) / 4_000));
    });
  });
  it("keeps the longest of several traces of one question", () => {
    const sample = (name: string, thinkingTokens: number) => ({
      questionId: shortHash("q"),
      traceId: shortHash(name),
      domain: "d",
      source: "f",
      isCorrect: true,
      thinkingTokens,
    });
    const { kept, dropped } = selectExamples([sample("x", 5), sample("y", 9), sample("z", 7)], {
      count: 9,
      method: "s1",
      seed: 0,
    });
    expect(kept.map((row) => row.traceId)).toEqual([shortHash("y")]);
    expect(dropped.map(({ reason }) => reason)).toEqual(["shorter-sample", "shorter-sample"]);
  });
  it("takes the longest, by id where lengths are equal", () => {
    const rows = pool({ a: 30, b: 30 });
    const { kept } = selectExamples(rows, { count: 5, method: "longest", seed: 0 });
    const wanted = [...rows].sort((a, b) => b.thinkingTokens - a.thinkingTokens || (a.traceId < b.traceId ? -1 : 1));
    expect(kept.map(({ traceId }) => traceId)).toEqual(wanted.slice(0, 5).map(({ traceId }) => traceId));
    expect(kept.every(({ reason }) => reason === "longest")).toBe(true);
  });
  it("draws diverse traces over domains, whatever their length", () => {
    const lengths: number[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const { kept } = selectExamples(pool({ a: 400, b: 100 }), { count: 100, method: "diverse", seed });
      expect(kept.filter(({ domain }) => domain === "b").length).toBeGreaterThan(30);
      lengths.push(...kept.filter(({ domain }) => domain === "a").map(({ thinkingTokens }) => thinkingTokens));
    }
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    // Uniform over 100 to 499: mean 299.5, standard deviation 115.5; about 2,000 draws, so four standard errors are 10.3.
    expect(Math.abs(mean - 299.5)).toBeLessThan(11);
  });
  it("takes all by method all, whatever the count", () => {
    expect(selectExamples(pool({ a: 30, b: 30 }), { count: 5, method: "all", seed: 0 }).kept).toHaveLength(60);
  });
  it("keeps to the share of long traces, and fills neither kind with the other", () => {
    const longShare = { longerThan: 199, share: 0.2 };
    const mixed = (sizes: Record<string, number>, count: number) => {
      const { kept, dropped } = selectExamples(pool(sizes), { count, method: "s1", seed: 1, longShare });
      expect(kept.length + dropped.length).toBe(pool(sizes).length);
      const long = kept.filter(({ thinkingTokens }) => thinkingTokens > 199).length;
      return [long, kept.length - long];
    };
    expect(mixed({ a: 400, b: 300 }, 100)).toEqual([20, 80]);
    expect(mixed({ a: 110 }, 100)).toEqual([10, 80]);
  });
  it("takes seeds by rule first, and no more than asked for", () => {
    const rows = pool({ a: 30, b: 30 }).map((row, i) => ({
      ...row,
      source: i % 3 === 0 ? "x/y" : "z",
      isCorrect: i % 2 === 0,
    }));
    const seeds = [{ source: "x", requireCorrect: true, longerThan: 105 }];
    const isSeed = (row: Candidate): boolean => row.source === "x/y" && row.isCorrect && row.thinkingTokens > 105;
    const wanted = rows.filter(isSeed).map(({ traceId }) => traceId);
    expect(wanted.length).toBeGreaterThan(4);
    const { kept } = selectExamples(rows, { count: 20, method: "s1", seed: 0, seeds });
    expect(kept.filter(({ reason }) => reason === "seed").map(({ traceId }) => traceId)).toEqual(wanted.sort());
    const few = selectExamples(rows, { count: 3, method: "s1", seed: 0, seeds }).kept;
    expect(few).toHaveLength(3);
    expect(few.every(({ traceId }) => wanted.includes(traceId))).toBe(true);
  });
  it("shapes the last draws after the sources named, and draws uniformly once their domains are empty", () => {
    const rows = pool({ a: 40, b: 40, c: 40 }).map((row, i) => ({ ...row, source: i < 5 ? "bench" : "other" }));
    const shape = { after: 0.5, like: [{ source: "bench", ratio: 1 }] };
    const { kept } = selectExamples(rows, { count: 40, method: "s1", seed: 0, shape });
    const shaped = kept.filter(({ reason }) => reason === "benchmark-domain");
    expect(shaped).toHaveLength(20);
    expect(new Set(shaped.map(({ domain }) => domain))).toEqual(new Set(["a"]));
    const most = selectExamples(rows, { count: 110, method: "s1", seed: 0, shape }).kept;
    expect(most).toHaveLength(110);
    expect(most.at(-1)?.reason).toBe("uniform-domain");
  });
  it("draws as it always did: hashes of 29 November 2026", () => {
    const digest = (method: "s1" | "random") =>
      shortHash(
        JSON.stringify(selectExamples(pool({ big: 2000, middle: 300, small: 20 }), { count: 500, method, seed: 3 })),
      );
    expect([digest("s1"), digest("random")]).toEqual(["41534a2da046d519", "9f236dcc187cd4c6"]);
  });
  it("draws differently for another seed", () => {
    const ids = (seed: number) =>
      selectExamples(pool({ a: 50, b: 50 }), { count: 20, method: "s1", seed }).kept.map((row) => row.traceId);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });
});

describe("buildFunnel", () => {
  it("counts reasons, most frequent first", () => {
    const dropped = ["b", "a", "c", "a", "b", "a"].map((reason) => ({ reason }));
    const stage = buildFunnel("quality", 10, { kept: [1, 2, 3, 4], dropped });
    expect(stage).toEqual({ stage: "quality", in: 10, kept: 4, dropped: 6, reasons: { a: 3, b: 2, c: 1 } });
    expect(Object.keys(stage.reasons)).toEqual(["a", "b", "c"]);
  });
  it("refuses a stage that loses a row", () => {
    expect(() => buildFunnel("quality", 3, { kept: [1], dropped: [{ reason: "a" }] })).toThrow(
      "stage quality took 3 rows, but kept 1 and dropped 1",
    );
  });
});
