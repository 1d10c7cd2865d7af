import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import { wilsonInterval } from "../core/statistics/intervals.ts";
import { passAtK } from "../core/statistics/pass-at-k.ts";
import { EvaluationSummary } from "../schema/evaluation-summary.ts";
import { NATURAL, questionIdOf, rowsOf } from "../../test/report/evaluation-rows.ts";
import type { EvaluationRow } from "./evaluation-rows.ts";
import { summariseEvaluation } from "./evaluation-summary.ts";

const summarise = (rows: readonly EvaluationRow[]) => summariseEvaluation(rows, { key: "test" });
const only = (rows: readonly EvaluationRow[]) => summarise(rows).settings[0]!;

describe("summariseEvaluation", () => {
  it("takes the mean over questions, not over samples, and leaves out what says nothing of the model", () => {
    // Shares 1, 0.5, 0; the fourth question has nothing left.
    const summary = only(rowsOf(["++++", "+a", "ab0u", "gu"]));
    expect(summary.accuracy).toMatchObject({ questions: 3, clusters: 3, samples: 9, value: 0.5 });
    expect(summary.accuracy.method).toBe("wilson-effective-n");
    expect([summary.unscored, summary.goldErrors]).toEqual([2, 1]);
    expect(summary.rates.noAnswer).toBeCloseTo(1 / 9, 12);
  });

  it("is Wilson's interval where each question was asked once", () => {
    const { accuracy, atK } = only(rowsOf([..."++++++++ab"]));
    expect(accuracy).toMatchObject({ value: 0.8, interval: wilsonInterval(8, 10), method: "wilson" });
    expect(atK.map(({ k }) => k)).toEqual([1]);
  });

  it("says apart why samples are not right, and how right the completed are", () => {
    const rows = [
      ...rowsOf(["+0pl", "+ata"]),
      ...rowsOf(["", "", "a+"], { isTruncated: true, isThinkingCut: true, thinkingTokens: 900 }),
    ];
    const summary = only(rows);
    expect(summary.rates).toEqual({
      truncated: 0.2,
      thinkingCut: 0.2,
      noAnswer: 0.1,
      parseFailure: 0.1,
      limit: 0.1,
      timeout: 0.1,
    });
    // Completed: three of the first (one right), four of the second (one right), none of the third.
    expect(summary.completed).toMatchObject({ questions: 2, samples: 7 });
    expect(summary.completed.value).toBeCloseTo((1 / 3 + 1 / 4) / 2, 12);
    expect(summary.thinkingTokens).toEqual({ mean: 260, median: 100, p90: 900 });
  });

  it("gives pass@k and maj@k for k = 1, 2, 4, ... and the most there is, over questions with as many", () => {
    const { atK } = only(rowsOf(["++abcc", "+++aa0", "ab"]));
    expect(atK.map(({ k, questions }) => [k, questions])).toEqual([
      [1, 3],
      [2, 3],
      [4, 2],
      [6, 2],
    ]);
    const expected = (passAtK({ n: 6, right: 2 }, 4)! + passAtK({ n: 6, right: 3 }, 4)!) / 2;
    expect(atK[2]?.pass.value).toBeCloseTo(expected, 12);
    // At k = 6: ++ ties with cc, half; +++ wins over aa.
    expect(atK[3]?.majority.value).toBeCloseTo(0.75, 12);
    expect(atK[3]).toMatchObject({ passAll: 0 });
    expect(atK[0]?.pass.value).toBeCloseTo((1 / 3 + 1 / 2 + 0) / 3, 12);
  });

  it("does not vote where a verifier gives no answers to count", () => {
    const { atK } = only(rowsOf(["+a", "++"], { answerClass: null }));
    expect(atK[1]?.pass.value).toBe(1);
    expect(atK[1]?.majority).toEqual({
      questions: 0,
      clusters: 0,
      samples: 0,
      value: null,
      interval: null,
      method: null,
    });
  });

  it("counts disagreement of extractors only where there are two", () => {
    const lenient = rowsOf(["+a", "0a"], { flexibleOutcome: "correct" });
    const summary = only([...lenient, ...rowsOf(["", "", "+a"])]);
    expect(summary).toMatchObject({ extractorPairs: 4, extractorDisagreement: 0.75 });
    expect(only(rowsOf(["+a"]))).toMatchObject({ extractorPairs: 0, extractorDisagreement: null });
  });

  it("sums cost, and sorts settings as a sweep", () => {
    const cap = (budgetTokens: number, letters: string[], thinkingTokens: number) =>
      rowsOf(letters, { setting: { ...NATURAL, budgetTokens }, thinkingTokens, costMicroUsd: 500 });
    const rows = [...cap(4_096, ["++", "+a", "ab", "++"], 400), ...cap(100, ["ab", "+a", "ab", "ac"], 100)];
    const summary = summarise(rows);
    expect(summary.costMicroUsd).toBe(8_000);
    expect(summary.settings.map(({ setting }) => setting.budgetTokens)).toEqual([100, 4_096]);
    // 12.5 to 62.5 % over two doublings.
    expect(summary.sweep).toMatchObject({
      settings: 2,
      questions: 4,
      control: 1,
      pointsPerDoubling: 25,
      performance: 0.625,
    });
    const [low, high] = summary.sweep!.scalingInterval!;
    expect(low).toBeLessThan(25);
    expect(high).toBeGreaterThan(25);
    expect(summary.sweep!.performanceInterval![1]).toBeGreaterThan(0.625);
    expect(summary.sweep!.controlInterval).toBeNull();
  });

  it("draws clusters, not questions, for a sweep: copies of a question narrow nothing", () => {
    const at = (budgetTokens: number, letters: string[]) =>
      rowsOf(letters, { setting: { ...NATURAL, budgetTokens }, thinkingTokens: budgetTokens });
    const rows = [...at(100, [..."a+aaa+aa"]), ...at(400, [..."+++aa+a+"])];
    const copies = [0, 1, 2].flatMap((copy) =>
      rows.map((row) => ({ ...row, questionId: `${copy}${row.questionId.slice(1)}`, cluster: row.questionId })),
    );
    const width = ([low, high]: readonly [number, number]) => high - low;
    const single = width(summarise(rows).sweep!.scalingInterval!);
    const thrice = width(summarise(copies).sweep!.scalingInterval!);
    // Drawn one by one, 24 questions would give 0.58 of the width.
    expect(Math.abs(thrice / single - 1)).toBeLessThan(0.1);
  });

  it("is a valid record, whatever the order of the rows", () => {
    const letters = fc.stringMatching(/^[+ab0pltgu]{0,5}$/);
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 6 }), fc.string(), (questions, key) => {
        const rows = rowsOf(questions);
        const summary = summarise(rows);
        expect(EvaluationSummary.parse(summary)).toEqual(summary);
        expect(summarise(prng(key).shuffle(rows))).toEqual(summary);
        for (const { accuracy, atK } of summary.settings) {
          for (const { pass } of atK) expect(pass.interval![1] - pass.interval![0]).toBeGreaterThan(0.05);
          if (accuracy.value !== null) expect(accuracy.value).toBeGreaterThanOrEqual(accuracy.interval![0]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("judges Control by a setting's mean thinking, not sample by sample, and Scaling by doublings", () => {
    const at = (budgetTokens: number, lengths: readonly number[], letters: readonly string[]) =>
      rowsOf(letters, { setting: { ...NATURAL, budgetTokens } }).map((row, place) => ({
        ...row,
        thinkingTokens: lengths[place] ?? 0,
      }));
    // Means of 100, 200 and 800 under caps of 120, 190 and 4,096: one is over its cap, and so is one sample of another.
    const rows = [
      ...at(120, [150, 50], ["+", "a"]),
      ...at(190, [200, 200], ["+", "a"]),
      ...at(4_096, [800, 800], ["+", "+"]),
    ];
    const { sweep } = summarise(rows);
    expect(sweep?.control).toBeCloseTo(2 / 3, 12);
    // Pairs: 0 points in 1 doubling, 50 in 2, 50 in 3.
    expect(sweep?.pointsPerDoubling).toBeCloseTo((0 + 25 + 50 / 3) / 3, 12);
  });

  it("has nothing to say of no rows, and no zero where nothing was scored", () => {
    const nothing = { settings: [], sweep: null, rejectionSweep: null, methods: [], equalTokens: [] };
    expect(summarise([])).toEqual({ schemaVersion: 1, ...nothing, costMicroUsd: 0 });
    const summary = only(rowsOf(["u", "g"]));
    expect(summary.accuracy).toMatchObject({ questions: 0, value: null, interval: null });
    expect(summary.rates.noAnswer).toBeNull();
    expect(summary.atK).toEqual([]);
  });

  it("keeps the rows of a cluster together", () => {
    const rows = rowsOf([..."++++aaaa"]).map((row, i) => ({ ...row, cluster: i < 4 ? "a" : "b" }));
    const { accuracy } = only(rows);
    expect(accuracy).toMatchObject({ questions: 8, clusters: 2, value: 0.5 });
    expect(accuracy.interval![1] - accuracy.interval![0]).toBeGreaterThan(0.9);
    expect(rows[0]?.questionId).toBe(questionIdOf(0));
  });
});
