import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import { mcnemarExact } from "../core/statistics/mcnemar.ts";
import { pairedDifferenceInterval } from "../core/statistics/paired-difference.ts";
import { type Contamination, EvaluationComparison } from "../schema/evaluation-summary.ts";
import { NATURAL, questionIdOf, rowsOf, sideOf } from "../../test/report/evaluation-rows.ts";
import { type ComparedSide, compareEvaluations, type CompareOptions } from "./compare-evaluations.ts";
import type { EvaluationRow } from "./evaluation-rows.ts";

function compare(
  first: ComparedSide,
  second: ComparedSide,
  options: Partial<CompareOptions> = {},
): EvaluationComparison {
  const outcome = compareEvaluations(first, second, { key: "test", ...options });
  if (outcome.kind === "refused") throw new Error(`refused: ${JSON.stringify(outcome.mismatches)}`);
  return outcome.comparison;
}

const compareRows = (first: readonly EvaluationRow[], second: readonly EvaluationRow[]) =>
  compare(sideOf("A", first), sideOf("B", second)).rows[0]!;

/** Questions with `samples` samples each, right with a probability that `spread` moves up and down from question to question. */
function sampled(share: number, { questions = 30, samples = 8, key = "a", spread = 0 } = {}): EvaluationRow[] {
  const random = prng(`${share}/${key}`);
  const letters = Array.from({ length: questions }, (_, question) => {
    const p = share + (question % 2 === 0 ? spread : -spread);
    return Array.from({ length: samples }, () => (random.next() < p ? "+" : "a")).join("");
  });
  return rowsOf(letters);
}

describe("compareEvaluations", () => {
  it("is exact McNemar with Tango's interval where each question was asked once", () => {
    const row = compareRows(rowsOf([..."++++aaaaaaaaa"]), rowsOf([..."+++a++++++++a"]));
    expect(row).toMatchObject({
      questions: 13,
      test: "exact McNemar",
      pValue: mcnemarExact(1, 8),
      method: "tango-score",
      interval: pairedDifferenceInterval({ onlyFirst: 1, onlySecond: 8, n: 13 }),
      samples: [1, 1],
      betweenVariance: null,
    });
    expect(row.difference).toBeCloseTo(7 / 13, 12);
  });

  it("is a sign-flip test over questions where one was asked again, and says the same where answers were only repeated", () => {
    const first = [..."++++aaaaaaaaa"];
    const second = [..."+++a++++++++a"];
    const repeat = (letters: readonly string[]) => rowsOf(letters.map((letter) => letter.repeat(4)));
    const row = compareRows(repeat(first), repeat(second));
    expect(row).toMatchObject({ test: "sign-flip permutation", method: "clustered-t", samples: [4, 4] });
    expect(row.pValue).toBeCloseTo(mcnemarExact(1, 8), 12);
  });

  it("leaves out what one side did not score, and does not mind the order of rows", () => {
    const first = rowsOf(["+", "g", "a", "+", "a"]);
    const second = rowsOf(["a", "+", "u", "+"]);
    const row = compareRows(prng("x").shuffle(first), prng("y").shuffle(second));
    expect(row).toMatchObject({ questions: 2, unpairedFirst: 2, unpairedSecond: 1, first: 1, second: 0.5 });
    expect(row).toEqual(compareRows(first, second));
  });

  it("turns round with the sides", () => {
    const letters = fc.array(fc.stringMatching(/^[+a]{2,3}$/), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(letters, letters, (a, b) => {
        const [forth, back] = [compareRows(rowsOf(a), rowsOf(b)), compareRows(rowsOf(b), rowsOf(a))];
        expect(forth.difference).toBeCloseTo(-back.difference!, 12);
        expect(forth.pValue).toBeCloseTo(back.pValue!, 12);
        expect(forth.interval![0]).toBeCloseTo(-back.interval![1], 12);
        expect(forth.interval![1] - forth.interval![0]).toBeGreaterThan(0.05);
      }),
      { numRuns: 60 },
    );
  });

  it("corrects p-values over settings by Holm's method", () => {
    const at = (budgetTokens: number, letters: string) =>
      rowsOf([...letters], { setting: { ...NATURAL, budgetTokens } });
    const first = [...at(100, "aaaaaaaaaa"), ...at(200, "aaaaaaaaaa"), ...at(400, "aaaaaaaaaa")];
    const second = [...at(100, "++++++++++"), ...at(200, "+++++++aaa"), ...at(400, "aaaaaaaaaa")];
    const { rows } = compare(sideOf("A", first), sideOf("B", second));
    expect(rows.map(({ pValue }) => pValue)).toEqual([2 / 1024, 2 / 128, 1].map((p) => expect.closeTo(p, 12)));
    expect(rows.map(({ adjustedPValue }) => adjustedPValue)).toEqual(
      [6 / 1024, 4 / 128, 1].map((p) => expect.closeTo(p, 12)),
    );
    expect(rows[0]?.sentence).toContain("p = 0.006 after Holm's correction for 3 comparisons");
  });

  it("is a valid record, also of nothing in common", () => {
    const comparison = compare(sideOf("A", rowsOf(["+a", "aa"])), sideOf("B", rowsOf(["++", "+a"])));
    expect(EvaluationComparison.parse(comparison)).toEqual(comparison);
    const nothing = compare(sideOf("A", rowsOf(["+", "g"])), sideOf("B", rowsOf(["g", "+"])));
    expect(EvaluationComparison.parse(nothing)).toEqual(nothing);
    expect(nothing.rows[0]).toMatchObject({ questions: 0, difference: null, pValue: null, adjustedPValue: null });
    expect(nothing.rows[0]?.sentence).toBe("A and B have no scored question in common, so nothing can be said.");
  });
});

describe("what would settle it", () => {
  it("is nothing where it is settled", () => {
    const row = compareRows(sampled(0.3), sampled(0.8));
    expect(row.next).toEqual({ kind: "settled" });
    expect(row.sentence).toMatch(
      /^B is \d+\.\d points above A \(95 % interval \+.*; p < 0.001\): distinguishable at 30 questions\.$/,
    );
  });

  it("is more seeds, with their price, where questions agree and only samples are few", () => {
    // Each question a toss-up on the first side; 12 won twice, 8 lost twice, 10 tossed up on the second: 6.7 points above.
    const tossed = (n: number) => new Array<string>(n).fill("+a");
    const first = rowsOf(tossed(30), { costMicroUsd: 2_000 });
    const won = [...new Array<string>(12).fill("++"), ...new Array<string>(8).fill("aa")];
    const row = compareRows(first, rowsOf([...won, ...tossed(10)], { costMicroUsd: 3_000 }));
    expect(row.adjustedPValue).toBeGreaterThan(0.05);
    expect(row.betweenVariance).toBe(0);
    if (row.next.kind !== "more-samples") throw new Error(JSON.stringify(row.next));
    // Thirty questions, 5,000 micro-dollars for a sample on each side.
    expect(row.next.costMicroUsd).toBe(30 * 5_000 * row.next.samples);
    const usd = (0.15 * row.next.samples).toFixed(2);
    expect(row.sentence).toContain(`not distinguishable at 30 questions; about ${row.next.samples} more seed`);
    expect(row.sentence).toContain(`would settle it, for about $${usd} at what these cost.`);
  });

  it("is more questions where these differ so much that no number of seeds would do", () => {
    // Half of the questions won, half lost, by 40 points; 10 points apart on average.
    const second = sampled(0.5, { samples: 16, spread: 0.4, key: "b" });
    const row = compareRows(sampled(0.45, { samples: 16 }), second);
    expect(row.next).toMatchObject({ kind: "more-questions", reason: "between-questions", costMicroUsd: null });
    expect(row.sentence).toMatch(/more seeds cannot settle it, about [\d,]+ more questions would/);
    expect(row.betweenVariance).toBeGreaterThan(row.withinVariance!);
  });

  it("is more questions for greedy replies, which never vary, and for one sample, which cannot tell", () => {
    const [first, second] = [rowsOf([..."++++aaaaaa"]), rowsOf([..."+++++aaaaa"])];
    const greedy = compare(sideOf("A", first, { temperature: 0 }), sideOf("B", second, { temperature: 0 })).rows[0]!;
    expect(greedy.next).toMatchObject({ kind: "more-questions", reason: "greedy" });
    const once = compareRows(first, second);
    expect(once.next).toMatchObject({ kind: "more-questions", reason: "one-sample" });
    expect(once.sentence).toContain("whether more seeds would, a second seed can tell");
  });

  it("is nothing that could be named where no difference was seen, and it says what would have been", () => {
    const row = compareRows(rowsOf(["+a", "a+", "aa"]), rowsOf(["a+", "+a", "aa"]));
    expect(row.next).toEqual({ kind: "none", reason: "no-difference" });
    expect(row.sentence).toMatch(
      /^B and A are equally often right .*; no difference was seen, and only one of \d+\.\d points or more/,
    );
    expect(row.minimalDetectableEffect).toBeGreaterThan(0.5);
  });
});

describe("what may be compared", () => {
  const rows = rowsOf(["+", "a"]);
  const side = (label: string, facts: Partial<ComparedSide["facts"]>) =>
    sideOf(label, rows, { facts: { ...sideOf(label, rows).facts, ...facts } });

  it("refuses another task always, and other versions or data unless forced", () => {
    const options = { key: "test", isForced: true };
    const other = { ...options, isForced: false };
    expect(compareEvaluations(side("A", {}), side("B", { task: "aime25" }), options)).toEqual({
      kind: "refused",
      mismatches: [{ field: "task", first: "aime24", second: "aime25" }],
    });
    for (const facts of [{ taskVersion: "2" }, { dataSha256: "b".repeat(64) }, { graderVersion: "2" }]) {
      const refused = compareEvaluations(side("A", {}), side("B", facts), other);
      expect(refused).toMatchObject({ kind: "refused", mismatches: [{ field: Object.keys(facts)[0] }] });
      expect(compare(side("A", {}), side("B", facts), options).mismatches).toHaveLength(1);
    }
  });

  it("holds nothing against what is not known", () => {
    expect(compare(side("A", {}), side("B", { dataSha256: null, graderVersion: null })).mismatches).toEqual([]);
  });

  it("names settings without a counterpart, and compares two lone ones with a caution", () => {
    const wait = rowsOf(["+", "a"], { setting: { ...NATURAL, waits: 1 } });
    const both = compare(sideOf("A", [...rows, ...wait]), sideOf("B", rows));
    expect(both.onlyFirstSettings).toEqual([{ ...NATURAL, waits: 1 }]);
    expect(both.rows).toHaveLength(1);
    const lone = compare(sideOf("A", rows), sideOf("B", wait));
    expect(lone.mismatches).toEqual([
      {
        field: "setting",
        first: "thinking up to 4096 tokens",
        second: "thinking up to 4096 tokens with 1 forced Wait",
      },
    ]);
    expect(lone.rows[0]).toMatchObject({ questions: 2, secondSetting: { waits: 1 } });
    expect(compareEvaluations(sideOf("A", []), sideOf("B", rows), { key: "test" }).kind).toBe("refused");
  });

  it("flags contaminated questions, and says what is left without them", () => {
    const found: Contamination = {
      ngram: 8,
      questions: 3,
      examples: 10,
      sameId: [questionIdOf(0)],
      sharedText: [],
      tooShort: 0,
    };
    const [first, second] = [rowsOf(["a", "a", "+"]), rowsOf(["+", "a", "+"])];
    const { rows: compared, contamination } = compare(sideOf("A", first), sideOf("B", second), {
      contamination: found,
    });
    expect(contamination).toEqual(found);
    expect(compared[0]?.clean).toEqual({ questions: 2, difference: 0 });
    expect(compared[0]?.sentence).toContain(
      "Contaminated: 1 of these questions occurs in training text; without them the difference is 0.0 points.",
    );
    const elsewhere = { ...found, sameId: ["0123456789abcdef"] };
    expect(compare(sideOf("A", first), sideOf("B", second), { contamination: elsewhere }).rows[0]?.clean).toBeNull();
  });
});
