/** @file How large a difference the data could have shown, and what more work would settle the one that was seen. */
import type { Interval } from "./intervals.ts";
import { normalQuantile, tQuantile } from "./special-functions.ts";

const POWER = 0.8;

/** Significance level and degrees of freedom of a comparison. */
export interface Criterion {
  /** Two-sided; 0.05 over the number of comparisons where there are several. */
  readonly alpha: number;
  readonly degreesOfFreedom: number;
}

/** How many standard errors a true difference must be for 80 % power: 2.8 for many degrees of freedom at alpha 5 %. */
export function errorsForPower({ alpha, degreesOfFreedom }: Criterion): number {
  const upTo = 1 - alpha / 2;
  const critical = degreesOfFreedom < 1 ? normalQuantile(upTo) : tQuantile(upTo, degreesOfFreedom);
  return critical + normalQuantile(POWER);
}

/**
 * Minimal detectable effect: the true difference, 0 to 1, that would be found four times in five. From the half-width of the
 * difference's 95 % interval, which is never 0, so that two ways that never differed do not look like certainty.
 */
export function minimalDetectableEffect(interval: Interval, criterion: Criterion): number {
  return Math.min(1, errorsForPower(criterion) * errorOf(interval, criterion));
}

/** The standard error that a 95 % interval amounts to. */
function errorOf([low, high]: Interval, { degreesOfFreedom }: Criterion): number {
  const quantile = degreesOfFreedom < 1 ? normalQuantile(0.975) : tQuantile(0.975, degreesOfFreedom);
  return (high - low) / (2 * quantile);
}

/** One question's samples on one side. */
export interface SideSamples {
  readonly n: number;
  /** Share right. */
  readonly share: number;
}

/** Variance of a question's observed difference, in its two parts. */
export interface SplitVariance {
  /** Of the true differences over questions: more samples cannot lessen it. */
  readonly between: number;
  /** By sampling, mean over questions, with the samples there are. */
  readonly within: number;
  /** Mean over questions of p (1 - p) on each side, by how many samples `within` is divided. */
  readonly perSample: readonly [first: number, second: number];
}

/**
 * Splits the variance of a question's difference into what more questions and what more samples could lessen; null where no
 * question has two samples on each side, since one sample cannot tell luck from a hard question.
 *
 * @param pairs the two sides of each question
 * @param perQuestion variance of an observed difference: squared standard error of the mean difference times the questions
 */
export function splitVariance(
  pairs: readonly (readonly [SideSamples, SideSamples])[],
  perQuestion: number,
): SplitVariance | null {
  const repeated = pairs.filter(([first, second]) => first.n > 1 && second.n > 1);
  if (repeated.length === 0) return null;
  // p (1 - p) of a sample's share is too small by (n - 1) / n.
  const single = ({ n, share }: SideSamples): number => (share * (1 - share) * n) / (n - 1);
  const average = (of: (pair: readonly [SideSamples, SideSamples]) => number): number =>
    repeated.reduce((sum, pair) => sum + of(pair), 0) / repeated.length;
  const within = average(([first, second]) => single(first) / first.n + single(second) / second.n);
  return {
    between: Math.max(0, perQuestion - within),
    within,
    perSample: [average(([first]) => single(first)), average(([, second]) => single(second))],
  };
}

/** A comparison as far as planning needs it. */
export interface PlannedComparison {
  readonly difference: number;
  readonly interval: Interval;
  readonly questions: number;
  /** Mean samples a question on each side. */
  readonly samples: readonly [first: number, second: number];
  /** Null where it could not be split. */
  readonly variance: SplitVariance | null;
  readonly criterion: Criterion;
}

/** More samples than these are not called a plan. */
const MOST_SAMPLES = 1_000;

/**
 * How many more samples of every question, on both sides, would show a true difference as large as the one seen, with 80 %
 * power; null where no number would do, or more than 1,000, or where the variance could not be split.
 */
export function extraSamples(plan: PlannedComparison): number | null {
  const { variance, samples, questions } = plan;
  if (variance === null || plan.difference === 0) return null;
  const allowed = (plan.difference / errorsForPower(plan.criterion)) ** 2 * questions;
  const [first, second] = variance.perSample;
  const withMore = (more: number): number =>
    variance.between + first / (samples[0] + more) + second / (samples[1] + more);
  if (withMore(MOST_SAMPLES) > allowed) return null;
  let more = 1;
  while (withMore(more) > allowed) more++;
  return more;
}

/** How many more questions, with as many samples each, would do the same; null where there is no difference. At least 1. */
export function extraQuestions({ difference, interval, questions, criterion }: PlannedComparison): number | null {
  if (difference === 0) return null;
  const ratio = (errorsForPower(criterion) * errorOf(interval, criterion)) / Math.abs(difference);
  return Math.max(1, Math.ceil(questions * ratio * ratio) - questions);
}
