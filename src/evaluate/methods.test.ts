import { describe, expect, it } from "vitest";
import { NATURAL, rowsOf } from "../../test/report/evaluation-rows.ts";
import type { EvaluationRow } from "./evaluation-rows.ts";
import { equalTokens, methodRows } from "./methods.ts";
import { summariseEvaluation } from "./evaluation-summary.ts";

const sampled = { ...NATURAL, temperature: 0.7 };
/** Questions of samples at the natural end, each 100 tokens. */
const samples = rowsOf(["++a+", "+aab", "aaaa", "++++"], { setting: sampled, spentTokens: 100, costMicroUsd: 50 });
const waited = rowsOf(["+", "+", "a", "+"], { setting: { ...sampled, waits: 2 }, spentTokens: 290 });

describe("methodRows", () => {
  it("has one reply under each setting, then samples in parallel, with what n of them spend", () => {
    const rows = methodRows([...waited, ...samples], "k");
    expect(rows.map(({ kind, samples: n, spentTokens }) => [kind, n, spentTokens])).toEqual([
      ["natural", 1, 100],
      ["wait", 1, 290],
      ["vote", 2, 200],
      ["shortest", 2, 200],
      ["oracle", 2, 200],
      ["vote", 4, 400],
      ["shortest", 4, 400],
      ["oracle", 4, 400],
    ]);
    // 3 + 1 + 0 + 4 of 16 samples; all four: 3 of 4 votes, a a against +, none, all.
    expect(rows[0]?.accuracy.value).toBeCloseTo(8 / 16, 12);
    expect(rows[5]?.accuracy.value).toBeCloseTo(2 / 4, 12);
    expect(rows[7]?.accuracy.value).toBeCloseTo(3 / 4, 12);
    expect(rows[7]?.accuracy.interval).not.toBeNull();
  });

  it("prices a right answer in tokens and dollars, and none where nothing is right", () => {
    const [natural] = methodRows(samples, "k");
    expect(natural).toMatchObject({ tokensPerRight: 200, microUsdPerRight: 100 });
    const [wrong] = methodRows(rowsOf(["a", "b"]), "k");
    expect(wrong).toMatchObject({ tokensPerRight: null, microUsdPerRight: null });
  });

  it("chooses the shortest thinking that gives an answer", () => {
    const lengths = (tokens: readonly number[]) => (row: EvaluationRow) => ({
      ...row,
      thinkingTokens: tokens[row.sampleIndex] ?? 0,
    });
    const shortest = (rows: readonly EvaluationRow[]) =>
      methodRows(rows, "k").find(({ kind, samples: n }) => kind === "shortest" && n === 3)?.accuracy.value;
    expect(shortest(rowsOf(["a+b"]).map(lengths([30, 10, 20])))).toBe(1);
    expect(shortest(rowsOf(["+a0"]).map(lengths([30, 20, 10])))).toBe(0);
    expect(shortest(rowsOf(["+a0"]).map(lengths([20, 30, 10])))).toBe(1);
    expect(shortest(rowsOf(["00+"]).map(lengths([1, 2, 900])))).toBe(1);
  });

  it("chooses the likeliest answer where every answer has a log-probability, and is left out where one has none", () => {
    const scored = (logprobs: readonly (number | undefined)[]) =>
      rowsOf(["a+b"]).map((row) => {
        const answerLogprob = logprobs[row.sampleIndex];
        return answerLogprob === undefined ? row : { ...row, answerLogprob };
      });
    const likeliest = (rows: readonly EvaluationRow[]) =>
      methodRows(rows, "k").filter(({ kind, samples: n }) => kind === "likeliest" && n === 3);
    expect(likeliest(scored([-0.5, -0.1, -2]))[0]?.accuracy.value).toBe(1);
    expect(likeliest(scored([-0.1, -0.5, -2]))[0]?.accuracy.value).toBe(0);
    expect(likeliest(scored([-0.1, undefined, -2]))).toEqual([]);
  });

  it("leaves the vote out where a verifier gives no answers to count, as for code; a best of n needs none", () => {
    const kinds = methodRows(rowsOf(["+a", "++"], { answerClass: null }), "k").map(({ kind }) => kind);
    expect(kinds).toEqual(["natural", "shortest", "oracle"]);
  });
});

describe("equalTokens", () => {
  it("holds Wait against a vote of as many samples as reach its tokens, by question", () => {
    const [row, ...others] = equalTokens([...samples, ...waited], "k");
    expect(others).toEqual([]);
    expect(row).toMatchObject({ waits: 2, waitTokens: 290, votes: 3, voteTokens: 300, questions: 4 });
    // maj@3 of ++a+: right in all four subsets; of +aab: aa wins in two of them, a third each in the two with b, + and a.
    expect(row?.voteAccuracy).toBeCloseTo((1 + (2 * (1 / 3)) / 4 + 0 + 1) / 4, 12);
    expect(row?.waitAccuracy).toBeCloseTo(3 / 4, 12);
    expect(row?.difference).toBeCloseTo(row!.waitAccuracy! - row!.voteAccuracy!, 12);
    expect(row!.interval![0]).toBeLessThan(row!.difference!);
  });

  it("says that samples are too few instead of comparing with fewer", () => {
    const long = waited.map((row) => ({ ...row, spentTokens: 900 }));
    expect(equalTokens([...samples, ...long], "k")).toEqual([
      expect.objectContaining({ votes: 9, questions: 0, difference: null, interval: null, voteAccuracy: null }),
    ]);
  });

  it("is empty where nothing was sampled several times", () => {
    expect(equalTokens([...rowsOf(["+", "a"]), ...waited], "k")).toEqual([]);
  });
});

describe("rejection sampling in a summary", () => {
  const cap = (budgetTokens: number) => ({ ...sampled, budgetTokens, maxTries: 4 });
  const kept = (tries: number, thrownAwayTokens: number) => ({ tries, thrownAwayTokens, isGivenUp: false });
  const givenUp = { tries: 4, thrownAwayTokens: 132, isGivenUp: true };
  const rows = [
    ...rowsOf(["+", "a"], { setting: cap(32), thinkingTokens: 20, spentTokens: 60, rejection: kept(2, 33) }),
    ...rowsOf(["", "", "0"], { setting: cap(32), thinkingTokens: 0, spentTokens: 132, rejection: givenUp }),
    ...rowsOf(["+", "+", "+"], { setting: cap(64), thinkingTokens: 40, spentTokens: 47, rejection: kept(1, 0) }),
  ];
  const summary = summariseEvaluation(rows, { key: "k" });

  it("counts what was kept, tried and thrown away, and what was given up as wrong", () => {
    const [tight] = summary.settings;
    expect(tight?.rejection).toMatchObject({ givenUp: 1, tries: 8 / 3, thrownAwayTokens: 66 });
    expect(tight?.rejection?.kept).toMatchObject({ questions: 3, value: 2 / 3 });
    expect(tight?.rejection?.kept.interval).not.toBeNull();
    expect(tight?.accuracy.value).toBeCloseTo(1 / 3, 12);
    expect(tight?.thinkingTokens?.mean).toBe(20);
    expect(summary.methods[0]).toMatchObject({ kind: "rejection", spentTokens: (60 + 60 + 132) / 3 });
  });

  it("has Control, Scaling and Performance of its own, on log2 of the tokens, over what no cap gave up", () => {
    expect(summary.sweep).toBeNull();
    // 1 of 2 right at 20 tokens, 2 of 2 at 40: one doubling.
    expect(summary.rejectionSweep).toMatchObject({ settings: 2, questions: 2, pointsPerDoubling: 50, control: 1 });
  });
});
