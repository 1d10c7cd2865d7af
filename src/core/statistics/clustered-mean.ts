import { type Interval, wilsonInterval } from "./intervals.ts";
import { normalQuantile, tQuantile } from "./special-functions.ts";

/** One question's value, itself a mean over samples. */
export interface QuestionValue {
  readonly value: number;
  /** Questions of one cluster are not independent of each other. */
  readonly cluster: string;
  /** Independent observations behind the value; may be fractional. */
  readonly samples: number;
}

/** A mean over questions, with what its interval rests on. */
export interface ClusteredMean {
  readonly mean: number;
  readonly questions: number;
  readonly clusters: number;
  /** Of the mean, from the spread of clusters; null with fewer than two. */
  readonly standardError: number | null;
  readonly degreesOfFreedom: number;
}

/**
 * The mean over questions and its standard error clustered by cluster, with the factor C / (C - 1) for C clusters; null
 * without questions. Samples of a question only enter through its value, so they are never taken for questions.
 * @source Miller (2024), Adding Error Bars to Evals, arXiv 2411.00640
 */
export function clusteredMean(values: readonly QuestionValue[]): ClusteredMean | null {
  const n = values.length;
  if (n === 0) return null;
  const centre = values.reduce((sum, { value }) => sum + value, 0) / n;
  const sums = clusterSums(values, centre);
  const clusters = sums.length;
  const squares = sums.reduce((sum, deviation) => sum + deviation * deviation, 0);
  // Deviations of equal values are roundings, not spread.
  const variance = squares < 1e-20 * n ? 0 : (clusters / (clusters - 1)) * (squares / (n * n));
  return {
    mean: centre,
    questions: n,
    clusters,
    standardError: clusters < 2 ? null : Math.sqrt(variance),
    degreesOfFreedom: clusters - 1,
  };
}

/** Sums of `value - centre` over each cluster, in the order in which clusters first appear. */
export function clusterSums(values: readonly QuestionValue[], centre: number): number[] {
  const sums = new Map<string, number>();
  for (const { cluster, value } of values) sums.set(cluster, (sums.get(cluster) ?? 0) + value - centre);
  return [...sums.values()];
}

/** Whether each question stands alone in its cluster with one observation: then a share is a count of independent trials. */
export function isSingle(values: readonly QuestionValue[]): boolean {
  const clusters = new Set(values.map(({ cluster }) => cluster));
  return clusters.size === values.length && values.every(({ samples }) => samples === 1);
}

/** An interval with the name of its method. */
export interface NamedInterval {
  readonly interval: Interval;
  readonly method: "wilson" | "wilson-effective-n" | "clustered-t";
}

/**
 * 95 % interval of a share (mean over questions of values from 0 to 1), never of zero width; null without questions.
 *
 * One observation a question: Wilson's. Otherwise Wilson's formula with Student's t for the normal quantile and the
 * effective number of trials mean (1 - mean) / SE²: in the middle this is the clustered t interval, near 0 and 1 it bends as
 * Wilson's does. It never claims more trials than there are observations; and near the ends, where few questions tell
 * anything of the spread, it is drawn towards the number of clusters, which it reaches at 0 and 1. Coverage is measured in
 * docs/evaluation-statistics.md.
 */
export function shareInterval(values: readonly QuestionValue[], confidence = 0.95): NamedInterval | null {
  const summary = clusteredMean(values);
  if (summary === null) return null;
  const { mean, clusters, standardError, degreesOfFreedom } = summary;
  // Sums of values such as 1/3 may miss the ends by a rounding.
  const share = Math.min(1, Math.max(0, mean));
  if (isSingle(values) && values.every(({ value }) => value === 0 || value === 1)) {
    const successes = values.filter(({ value }) => value === 1).length;
    return { interval: wilsonInterval(successes, values.length, confidence) ?? [0, 1], method: "wilson" };
  }
  const observations = values.reduce((sum, { samples }) => sum + samples, 0);
  const variance = share * (1 - share);
  const spread = standardError === null ? Number.POSITIVE_INFINITY : standardError ** 2;
  const trials = spread === 0 ? observations : Math.min(observations, variance / spread);
  // As if 4 p (1 - p) C clusters had told something of the spread, against one that had not.
  const telling = 4 * variance * clusters;
  const weight = standardError === null ? 0 : telling / (telling + 1);
  const effective = weight * trials + (1 - weight) * Math.min(clusters, observations);
  const upTo = 0.5 + confidence / 2;
  const quantile = standardError === null ? normalQuantile(upTo) : tQuantile(upTo, degreesOfFreedom);
  return { interval: scoreInterval(share, effective, quantile), method: "wilson-effective-n" };
}

/** Wilson's formula for any number of trials and any quantile. */
function scoreInterval(share: number, trials: number, quantile: number): Interval {
  const square = quantile * quantile;
  const scale = 1 + square / trials;
  const centre = (share + square / (2 * trials)) / scale;
  const half = (quantile / scale) * Math.sqrt((share * (1 - share)) / trials + square / (4 * trials * trials));
  return [share === 0 ? 0 : Math.max(0, centre - half), share === 1 ? 1 : Math.min(1, centre + half)];
}

/**
 * 95 % interval of a mean paired difference, values from -1 to 1: clustered t, never of zero width; null without questions.
 *
 * Where the differences hardly vary, a t interval would shrink to a point. So each half gets, added as squares, what Tango's
 * score interval gives for as many clusters that never varied, divided by 1 + the number of clusters that did vary: all of
 * it when none does, next to nothing when many do.
 */
export function differenceInterval(values: readonly QuestionValue[], confidence = 0.95): NamedInterval | null {
  const summary = clusteredMean(values);
  if (summary === null) return null;
  const { mean, clusters, standardError, degreesOfFreedom } = summary;
  const upTo = 0.5 + confidence / 2;
  const half = standardError === null ? 0 : tQuantile(upTo, degreesOfFreedom) * standardError;
  const square = normalQuantile(upTo) ** 2;
  const unseen = square / (clusters + square) / (1 + varyingClusters(values));
  const side = (room: number): number => Math.hypot(half, unseen * room);
  return {
    interval: [Math.max(-1, mean - side(1 + mean)), Math.min(1, mean + side(1 - mean))],
    method: "clustered-t",
  };
}

/** Clusters whose mean is not the most frequent one. */
function varyingClusters(values: readonly QuestionValue[]): number {
  const means = new Map<string, { sum: number; n: number }>();
  for (const { cluster, value } of values) {
    const { sum, n } = means.get(cluster) ?? { sum: 0, n: 0 };
    means.set(cluster, { sum: sum + value, n: n + 1 });
  }
  const frequency = new Map<string, number>();
  for (const { sum, n } of means.values()) {
    const key = (sum / n).toFixed(9).replace("-0.000000000", "0.000000000");
    frequency.set(key, (frequency.get(key) ?? 0) + 1);
  }
  return means.size - Math.max(...frequency.values());
}
