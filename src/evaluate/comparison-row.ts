/** @file Two sides at one setting: the paired difference, its interval and test, and what more work would tell. */
import {
  clusteredMean,
  clusterSums,
  differenceInterval,
  isSingle,
  type QuestionValue,
} from "../core/statistics/clustered-mean.ts";
import {
  extraQuestions,
  extraSamples,
  minimalDetectableEffect,
  type PlannedComparison,
  type SplitVariance,
  splitVariance,
} from "../core/statistics/comparison-plan.ts";
import { type Interval, mean } from "../core/statistics/intervals.ts";
import { mcnemarExact } from "../core/statistics/mcnemar.ts";
import { pairedDifferenceInterval } from "../core/statistics/paired-difference.ts";
import { signFlipTest } from "../core/statistics/sign-flip.ts";
import type { ComparisonRow, IntervalMethod, NextStep } from "../schema/evaluation-summary.ts";
import { byQuestion, type QuestionRows, rightShare, type SettingRows } from "./paired-questions.ts";
import { SIGNIFICANCE } from "./verdict.ts";

/** A question that both sides answered. */
export interface Pair {
  readonly questionId: string;
  readonly cluster: string;
  readonly first: QuestionRows;
  readonly second: QuestionRows;
}

/** A row before its p-value is adjusted: what comes after the adjustment is missing. */
export interface Paired {
  readonly firstSetting: SettingRows;
  readonly secondSetting: SettingRows;
  readonly pairs: readonly Pair[];
  readonly row: Omit<ComparisonRow, "adjustedPValue" | "next" | "sentence" | "clean">;
  readonly variance: SplitVariance | null;
  readonly degreesOfFreedom: number;
}

/**
 * Pairs two settings by question. Exact McNemar and Tango's interval where every question stands alone and was asked once
 * on each side; otherwise a sign-flip test over clusters and a clustered t interval.
 * @param key names the random stream of a sign-flip test that cannot be exact
 */
export function pairSettings(firstSetting: SettingRows, secondSetting: SettingRows, key: string): Paired {
  const first = byQuestion(firstSetting.rows);
  const second = new Map(byQuestion(secondSetting.rows).map((question) => [question.questionId, question]));
  const pairs = first.flatMap((question): Pair[] => {
    const other = second.get(question.questionId);
    const { questionId, cluster } = question;
    return other === undefined ? [] : [{ questionId, cluster, first: question, second: other }];
  });
  const values = pairs.map(differenceOf);
  const summary = clusteredMean(values);
  const isOnce = isSingle(values);
  const tested = isOnce ? testSingle(pairs) : testRepeated(values, pairs, key);
  const degreesOfFreedom = isOnce || summary === null ? 0 : summary.degreesOfFreedom;
  const error = summary?.standardError ?? null;
  const variance = error === null ? null : splitVariance(pairs.map(sidesOf), error ** 2 * pairs.length);
  const known = pairs.length > 0;
  const sideMean = (of: (pair: Pair) => number): number | null => (known ? mean(pairs.map(of)) : null);
  const row = {
    firstSetting: firstSetting.setting,
    secondSetting: secondSetting.setting,
    questions: pairs.length,
    clusters: summary?.clusters ?? 0,
    unpairedFirst: first.length - pairs.length,
    unpairedSecond: second.size - pairs.length,
    samples: [
      sideMean((pair) => pair.first.rows.length) ?? 0,
      sideMean((pair) => pair.second.rows.length) ?? 0,
    ] satisfies [number, number],
    first: sideMean((pair) => rightShare(pair.first.rows)),
    second: sideMean((pair) => rightShare(pair.second.rows)),
    difference: summary?.mean ?? null,
    ...tested,
    minimalDetectableEffect:
      tested.interval && minimalDetectableEffect(tested.interval, { alpha: SIGNIFICANCE, degreesOfFreedom }),
    betweenVariance: variance?.between ?? null,
    withinVariance: variance?.within ?? null,
  };
  return { firstSetting, secondSetting, pairs, row, variance, degreesOfFreedom };
}

/** Second minus first of one question; `samples` is 1 only where both sides have one. */
function differenceOf({ cluster, first, second }: Pair): QuestionValue {
  const samples = Math.max(first.rows.length, second.rows.length);
  return { value: rightShare(second.rows) - rightShare(first.rows), cluster, samples };
}

function sidesOf({ first, second }: Pair) {
  const side = ({ rows }: QuestionRows) => ({ n: rows.length, share: rightShare(rows) });
  return [side(first), side(second)] as const;
}

interface Tested {
  readonly interval: Interval | null;
  readonly method: IntervalMethod | null;
  readonly pValue: number | null;
  readonly test: ComparisonRow["test"];
}

function testSingle(pairs: readonly Pair[]): Tested {
  const differing = (by: number) =>
    pairs.filter(({ first, second }) => rightShare(second.rows) - rightShare(first.rows) === by).length;
  const counts = { onlyFirst: differing(-1), onlySecond: differing(1), n: pairs.length };
  const known = pairs.length > 0;
  return {
    interval: pairedDifferenceInterval(counts),
    method: known ? "tango-score" : null,
    pValue: known ? mcnemarExact(counts.onlyFirst, counts.onlySecond) : null,
    test: "exact McNemar",
  };
}

function testRepeated(values: readonly QuestionValue[], pairs: readonly Pair[], key: string): Tested {
  const named = differenceInterval(values);
  const denominator = commonMultiple(pairs.flatMap(({ first, second }) => [first.rows.length, second.rows.length]));
  const options = denominator === null ? { key } : { key, denominator };
  return {
    interval: named?.interval ?? null,
    method: named?.method ?? null,
    pValue: signFlipTest(clusterSums(values, 0), options).pValue,
    test: "sign-flip permutation",
  };
}

/** Least common multiple of the sample counts; null above 10,000, where exact sums would be too long. */
function commonMultiple(counts: readonly number[]): number | null {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let multiple = 1;
  for (const count of new Set(counts)) {
    multiple = (multiple / divisor(multiple, count)) * count;
    if (multiple > 10_000) return null;
  }
  return multiple;
}

/** What {@link nextStep} needs beside the pairing. */
export interface StepContext {
  readonly adjustedPValue: number | null;
  /** Rows with a p-value, over which it was adjusted. */
  readonly comparisons: number;
  /** Whether both sides are greedy. */
  readonly isGreedy: boolean;
}

/** What more work would settle a comparison that is open, and what it would cost. */
export function nextStep(paired: Paired, { adjustedPValue, comparisons, isGreedy }: StepContext): NextStep {
  const { difference, interval, questions, samples, clusters } = paired.row;
  if (difference === null || interval === null || clusters < 2) return { kind: "none", reason: "too-few-questions" };
  if (adjustedPValue !== null && adjustedPValue < SIGNIFICANCE) return { kind: "settled" };
  const plan: PlannedComparison = {
    difference,
    interval,
    questions,
    samples,
    variance: paired.variance,
    criterion: { alpha: SIGNIFICANCE / Math.max(1, comparisons), degreesOfFreedom: paired.degreesOfFreedom },
  };
  const more = isGreedy ? null : extraSamples(plan);
  const [first, second] = [costOfSample(paired.firstSetting), costOfSample(paired.secondSetting)];
  const dollars = (perQuestion: number, count: number): number | null =>
    perQuestion === 0 ? null : Math.round(perQuestion * count);
  if (more !== null) {
    return { kind: "more-samples", samples: more, costMicroUsd: dollars((first + second) * questions, more) };
  }
  const count = extraQuestions(plan);
  if (count === null) return { kind: "none", reason: "no-difference" };
  return {
    kind: "more-questions",
    questions: count,
    costMicroUsd: dollars(first * samples[0] + second * samples[1], count),
    reason: isGreedy ? "greedy" : paired.variance === null ? "one-sample" : "between-questions",
  };
}

/** Mean micro-dollars of a sample; 0 where nothing was paid. */
function costOfSample({ rows }: SettingRows): number {
  return rows.length === 0 ? 0 : mean(rows.map(({ costMicroUsd }) => costMicroUsd));
}
