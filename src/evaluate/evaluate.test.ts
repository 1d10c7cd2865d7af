import { describe, expect, it } from "vitest";
import { shortHash } from "../core/hash.ts";
import { mcnemarExact } from "../core/statistics/mcnemar.ts";
import { prng } from "../core/prng.ts";
import { Score, type Completion, type GradeOutcome, type ThinkingSetting } from "../schema/records.ts";
import { comparePaired } from "./paired.ts";
import { sweepMetrics } from "./scaling.ts";
import { scoreCompletions } from "./score.ts";
import { judge, verdictSentence } from "./verdict.ts";

const CONTEXT = 512;
const DIRECT: ThinkingSetting = { mode: "direct", budgetTokens: 0, waits: 0 };
const NATURAL: ThinkingSetting = { mode: "think", budgetTokens: CONTEXT, waits: 0 };
const cap = (budgetTokens: number): ThinkingSetting => ({ mode: "think", budgetTokens, waits: 0 });
const waits = (count: number): ThinkingSetting => ({ ...NATURAL, waits: count });

/** Completions of one model at one setting: one letter a question, `+` right, `-` wrong, `0` no answer, `g` broken gold, `u` unscored. */
function answers(
  model: Completion["model"],
  setting: ThinkingSetting,
  letters: string,
  extra: Partial<Completion> = {},
) {
  const outcomes: Record<string, GradeOutcome> = {
    "+": "correct",
    "-": "incorrect",
    "0": "no_answer",
    g: "gold_error",
    u: "unscored",
  };
  return [...letters].map((letter, index): Completion => {
    const outcome = outcomes[letter] as GradeOutcome;
    return {
      schemaVersion: 1,
      questionId: shortHash(`question ${index}`),
      model,
      setting,
      sampleIndex: 0,
      thinking: "",
      answer: "",
      thinkingTokens: setting.mode === "direct" ? 0 : Math.min(setting.budgetTokens, 100),
      answerTokens: 1,
      end: setting.mode === "direct" ? "direct" : setting.budgetTokens < 100 ? "cut" : "natural",
      answerFinish: "stop",
      grade: { outcome, extracted: null, rule: "test" },
      ...extra,
    };
  });
}

describe("scoreCompletions", () => {
  const familyOf = (id: string) => (id === shortHash("question 0") ? "program" : "arithmetic");
  const score = (rows: Completion[]) => scoreCompletions(rows, { familyOf, contextTokens: CONTEXT });

  it("counts overall and by family, in the sweep's order, as valid records", () => {
    const scores = score([
      ...answers("student", NATURAL, "++-0"),
      ...answers("student", cap(16), "----"),
      ...answers("base", DIRECT, "+---"),
    ]);
    expect(
      scores.map(({ model, setting, family, correct, n }) => [model, setting.budgetTokens, family, correct, n]),
    ).toEqual([
      ["base", 0, "all", 1, 4],
      ["base", 0, "arithmetic", 0, 3],
      ["base", 0, "program", 1, 1],
      ["student", 16, "all", 0, 4],
      ["student", 16, "arithmetic", 0, 3],
      ["student", 16, "program", 0, 1],
      ["student", 512, "all", 2, 4],
      ["student", 512, "arithmetic", 1, 3],
      ["student", 512, "program", 1, 1],
    ]);
    for (const row of scores) expect(Score.parse(row)).toEqual(row);
    expect(scores[6]).toMatchObject({ accuracy: 0.5, thinkingTokens: 100, cutShare: 0, noAnswerShare: 0.25 });
    expect(scores[3]).toMatchObject({ accuracy: 0, thinkingTokens: 16, cutShare: 1, noAnswerShare: 0 });
  });
  it("uses Wilson's interval for one sample a question (8 of 10)", () => {
    const [all] = scoreCompletions(answers("base", DIRECT, "++++++++--"), {
      familyOf: () => undefined,
      contextTokens: CONTEXT,
    });
    expect(all?.interval?.[0]).toBeCloseTo(0.4901624715366418, 10);
    expect(all?.interval?.[1]).toBeCloseTo(0.9433178485456248, 10);
  });
  it("does not take repeated samples for new questions", () => {
    const letters = "++++++++--";
    const once = answers("base", DIRECT, letters);
    const again = [1, 2, 3].flatMap((sampleIndex) => answers("base", DIRECT, letters, { sampleIndex }));
    const [all] = scoreCompletions([...once, ...again], { familyOf: () => undefined, contextTokens: CONTEXT });
    expect(all).toMatchObject({ n: 40, correct: 32, accuracy: 0.8 });
    // By hand: 9.135 effective trials, t = 2.262. About Wilson's (8, 10), never about Wilson's (32, 40), which is 0.65 to 0.90.
    expect(all?.interval?.[0]).toBeCloseTo(0.4295, 4);
    expect(all?.interval?.[1]).toBeCloseTo(0.9551, 4);
  });
  it("is no point where every sample of every question is right", () => {
    const rows = [0, 1].flatMap((sampleIndex) => answers("base", DIRECT, "++++", { sampleIndex }));
    const [all] = scoreCompletions(rows, { familyOf: () => undefined, contextTokens: CONTEXT });
    expect(all?.interval?.[0]).toBeLessThan(0.5);
    expect(all?.interval?.[1]).toBe(1);
  });
  it("leaves out broken references, and gives null rather than 0 when nothing is left", () => {
    expect(score(answers("base", DIRECT, "u+"))).toEqual(score(answers("base", DIRECT, "g+")));
    expect(score(answers("base", DIRECT, "g+")).map(({ family, n, accuracy }) => [family, n, accuracy])).toEqual([
      ["all", 1, 1],
      ["arithmetic", 1, 1],
      ["program", 0, null],
    ]);
  });
  it("has no scores for no completions", () => expect(score([])).toEqual([]));
});

describe("comparePaired", () => {
  it("pairs by question whatever the order of rows", () => {
    const first = answers("base", DIRECT, "++--g+u");
    const second = answers("student", NATURAL, "+-+++u+");
    const expected = comparePaired(first, second);
    expect(expected).toMatchObject({ n: 4, onlyFirst: 1, onlySecond: 2, first: 0.5, second: 0.75, difference: 0.25 });
    expect(expected.pValue).toBe(mcnemarExact(1, 2));
    const shuffled = comparePaired(prng("a").shuffle(first), prng("b").shuffle(second));
    expect(shuffled).toEqual(expected);
  });
  it("has nulls, not zeros, without common questions", () => {
    expect(comparePaired([], answers("student", NATURAL, "+"))).toEqual({
      n: 0,
      onlyFirst: 0,
      onlySecond: 0,
      first: null,
      second: null,
      pValue: null,
      difference: null,
      interval: null,
    });
  });
});

describe("judge", () => {
  const context = { contextTokens: CONTEXT };
  it("compares the student's natural end with the base at its best, and each wait with the natural end", () => {
    const verdict = judge(
      [
        ...answers("base", DIRECT, "+-------"),
        ...answers("base", cap(16), "++------"),
        ...answers("base", NATURAL, "++------"),
        ...answers("student", DIRECT, "++++++++"),
        ...answers("student", cap(16), "+-------"),
        ...answers("student", cap(64), "+++-----"),
        ...answers("student", NATURAL, "-+++++--"),
        ...answers("student", waits(2), "++++++--"),
        ...answers("student", waits(1), "-----+++"),
      ],
      context,
    );
    expect(verdict.baseSetting).toEqual(cap(16)); // the first of two equally good
    expect(verdict.studentSetting).toEqual(NATURAL); // decided beforehand, though direct did better
    expect(verdict.discordant).toEqual({ onlyStudent: 4, onlyBase: 1 });
    expect(verdict.pValue).toBeCloseTo(12 / 32, 12);
    expect(verdict.difference).toBeCloseTo(3 / 8, 12);
    expect(verdict.waits).toEqual([
      { waits: 1, n: 8, wrongToRight: 2, rightToWrong: 4, pValue: mcnemarExact(2, 4) },
      { waits: 2, n: 8, wrongToRight: 1, rightToWrong: 0, pValue: 1 },
    ]);
    expect(verdict.rise).toMatchObject({ n: 8, first: 1 / 8, second: 5 / 8, onlyFirst: 1, onlySecond: 5 });
  });
  it("says a clear gain clearly", () => {
    const n = 300;
    const verdict = judge(
      [
        ...answers("base", DIRECT, "+".repeat(3) + "-".repeat(n - 3)),
        ...answers("student", NATURAL, "+".repeat(240) + "-".repeat(60)),
      ],
      context,
    );
    const [low, high] = verdict.interval!;
    expect(verdict.sentence).toBe(
      "On the same 300 held-out questions the student, thinking to its natural end, is right on 80.0 % and its base at its best (answering directly) on 1.0 %: " +
        `the student is better (+79.0 points, 95 % interval +${(100 * low).toFixed(1)} to +${(100 * high).toFixed(1)}; exact McNemar p < 0.001).`,
    );
    expect(low).toBeGreaterThan(0.74);
    expect(high).toBeLessThan(0.84);
  });
  it("says what it cannot say when a model is missing", () => {
    const verdict = judge(answers("student", NATURAL, "++"), context);
    expect(verdict).toMatchObject({ pValue: null, difference: null, interval: null, baseSetting: null, rise: null });
    expect(verdict.sentence).toBe("Base and student have answered no question in common, so nothing can be said.");
  });
});

describe("verdictSentence", () => {
  const comparison = (onlyFirst: number, onlySecond: number, n: number) => {
    const first = answers("base", DIRECT, "+".repeat(onlyFirst) + "-".repeat(n - onlyFirst));
    const second = answers(
      "student",
      NATURAL,
      "-".repeat(onlyFirst) + "+".repeat(onlySecond) + "-".repeat(n - onlyFirst - onlySecond),
    );
    return verdictSentence(comparePaired(first, second), "answering directly");
  };
  it.each([
    ["a worse student", 30, 5, 100, /the student is worse \(−25\.0 points.*p < 0\.001\)\.$/],
    ["chance", 6, 9, 100, /no difference that chance could not have made \(\+3\.0 points.*p = 0\.61\)\.$/],
    ["no difference at all", 4, 4, 100, /\(0\.0 points.*p = 1\.00\)\.$/],
    ["a big gain on few questions, significant", 0, 10, 12, /is better.*p = 0\.002\)\. 12 questions are few/],
    [
      "a big gain on few questions, not significant",
      0,
      4,
      6,
      /no difference that chance could not have made.*p = 0\.13\)\. The interval leaves out 0, but the stricter exact test decides\. 6 questions are few/,
    ],
    [
      "no discordant question at all: an interval, not a point",
      0,
      0,
      6,
      /\(0\.0 points, 95 % interval −39\.0 to \+39\.0; exact McNemar p = 1\.00\)\. 6 questions are few/,
    ],
    [
      "the edge, where test and interval differ",
      6,
      16,
      161,
      /\(\+6\.2 points, 95 % interval \+0\.5 to \+12\.4; .*p = 0\.052\)\. The interval leaves out 0, but the stricter exact test decides\.$/,
    ],
    ["one question", 0, 1, 1, /^On the 1 held-out question .*1 question is few/],
  ])("%s", (_, onlyFirst, onlySecond, n, expected) => {
    expect(comparison(onlyFirst, onlySecond, n)).toMatch(expected);
  });
  it("does not round a p below the limit up to it", () => {
    const base = {
      n: 100,
      first: 0.1,
      second: 0.2,
      onlyFirst: 1,
      onlySecond: 2,
      difference: 0.1,
      interval: [0, 0.2] as [number, number],
    };
    expect(verdictSentence({ ...base, pValue: 0.0499 }, "x")).toContain(
      "is better (+10.0 points, 95 % interval 0.0 to +20.0; exact McNemar p = 0.049)",
    );
    expect(verdictSentence({ ...base, pValue: 0.05 }, "x")).toContain("p = 0.050");
  });
});

describe("sweepMetrics", () => {
  it("is s1's slope, control and performance of the thinking settings", () => {
    const rows = [
      ...answers("student", DIRECT, "++++"),
      ...answers("student", cap(10), "+---", { thinkingTokens: 10 }),
      ...answers("student", cap(20), "++--", { thinkingTokens: 20 }),
      ...answers("student", cap(30), "+++-", { thinkingTokens: 40 }),
    ];
    const metrics = sweepMetrics(rows, "k");
    expect(metrics?.pointsPerDoubling).toBeCloseTo(25, 10);
    expect(metrics?.control).toBeCloseTo(2 / 3, 12);
    expect(metrics?.performance).toBe(0.75);
    const [low, high] = metrics!.interval!;
    expect(low).toBeGreaterThanOrEqual(0);
    expect(low).toBeLessThan(25);
    expect(high).toBeGreaterThan(25);
    expect(high).toBeLessThanOrEqual(50);
    expect(sweepMetrics(prng("order").shuffle(rows), "k")?.interval).toEqual(metrics?.interval);
  });
  it("has no interval where nobody was ever right, rather than 0 to 0", () => {
    const rows = [10, 20].flatMap((tokens) => answers("student", cap(tokens), "----", { thinkingTokens: tokens }));
    expect(sweepMetrics(rows, "k")).toMatchObject({ pointsPerDoubling: 0, interval: null });
  });
  it("is null without two lengths to compare", () => {
    expect(sweepMetrics([], "k")).toBeNull();
    expect(sweepMetrics(answers("student", NATURAL, "+-"), "k")).toBeNull();
  });
});
