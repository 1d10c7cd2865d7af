import type { Interval } from "../core/statistics/intervals.ts";
import { mcnemarExact } from "../core/statistics/mcnemar.ts";
import { pairedDifferenceInterval } from "../core/statistics/paired-difference.ts";
import type { Completion } from "../schema/records.ts";
import { isScored } from "./evaluation-rows.ts";
import { isCorrect } from "./score.ts";

/** Name of the test behind every p-value here. */
export const PAIRED_TEST = "exact McNemar";

/** Two ways of answering, on the questions that both answered. */
export interface PairedComparison {
  /** Questions compared. */
  readonly n: number;
  /** Shares answered rightly, 0 to 1; null when n is 0. */
  readonly first: number | null;
  readonly second: number | null;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Two-sided; null when n is 0. */
  readonly pValue: number | null;
  /** Second minus first, -1 to 1, with a 95 % score interval (Tango); null when n is 0. */
  readonly difference: number | null;
  readonly interval: Interval | null;
}

/**
 * Compares first samples (sample index 0) of two sets of completions, question by question; questions that only one set
 * holds, whose reference answer is broken, or that could not be graded, are left out. The order of the rows does not matter.
 */
export function comparePaired(first: readonly Completion[], second: readonly Completion[]): PairedComparison {
  const outcomes = outcomesByQuestion(first);
  const pairs = [...outcomesByQuestion(second)].flatMap(([id, isRight]) =>
    outcomes.has(id) ? [{ first: outcomes.get(id) === true, second: isRight }] : [],
  );
  const n = pairs.length;
  const count = (has: (pair: { first: boolean; second: boolean }) => boolean) => pairs.filter(has).length;
  const onlyFirst = count((pair) => pair.first && !pair.second);
  const onlySecond = count((pair) => pair.second && !pair.first);
  if (n === 0) {
    const nothing = { first: null, second: null, pValue: null, difference: null, interval: null };
    return { n, onlyFirst, onlySecond, ...nothing };
  }
  return {
    n,
    first: count((pair) => pair.first) / n,
    second: count((pair) => pair.second) / n,
    onlyFirst,
    onlySecond,
    pValue: mcnemarExact(onlyFirst, onlySecond),
    difference: (onlySecond - onlyFirst) / n,
    interval: pairedDifferenceInterval({ onlyFirst, onlySecond, n }),
  };
}

function outcomesByQuestion(completions: readonly Completion[]): Map<string, boolean> {
  const scored = completions.filter((item) => item.sampleIndex === 0 && isScored(item.grade.outcome));
  return new Map(scored.map((completion) => [completion.questionId, isCorrect(completion)]));
}
