/**
 * @file What a forecast is made of: quantities known from a sample, or assumed, and how one possible world draws them.
 * Everything is drawn from a seeded stream, so that equal facts give an equal forecast. Pure.
 */
import type { Prng } from "../core/prng.ts";
import { normalQuantile } from "../core/statistics/special-functions.ts";

/** A quantity of one call (tokens, seconds): measured on some calls, or assumed. */
export type Quantity =
  | { readonly type: "measured"; readonly values: readonly number[] }
  | {
      readonly type: "assumed";
      /** What a typical call has, and what nine of ten models stay below on average. */
      readonly median: number;
      readonly p90: number;
      /** No call has more. */
      readonly most?: number;
    };

/** A share of successes: counted, or assumed as if `weight` cases had been seen. */
export type Share =
  | { readonly type: "measured"; readonly passed: number; readonly asked: number }
  | { readonly type: "assumed"; readonly mean: number; readonly weight: number };

/** A quantity in one possible world. */
export interface DrawnQuantity {
  readonly mean: number;
  readonly deviation: number;
}

/** So many values stand for all of a large sample: the mean's error is then small beside everything else. */
const MOST_RESAMPLED = 400;
/** A resample that hardly varies is far off in its own standard errors; none counts for more of them than this. */
const MOST_ERRORS = 5;
/** Calls of a model whose lengths are only assumed vary as an exponential distribution does. */
const ASSUMED_VARIATION = 1;
const Z90 = normalQuantile(0.9);

/** Draws a quantity's mean (from the sample; a log-normal between the assumed ends) and how its calls vary. */
export function drawQuantity(quantity: Quantity, random: Prng): DrawnQuantity {
  if (quantity.type === "assumed") {
    const { median, p90, most = Number.POSITIVE_INFINITY } = quantity;
    const sigma = median > 0 ? Math.log(p90 / median) / Z90 : 0;
    const mean = Math.min(most, median * Math.exp(sigma * random.normal()));
    return { mean, deviation: Math.min(mean * ASSUMED_VARIATION, most - mean) };
  }
  return drawMeasured(quantity.values, random);
}

/**
 * A mean by the studentised bootstrap: as far above the sample's own as a resample's lies below it, in standard errors of
 * each. For lengths, which are skewed, few values say less of the long end than of the short; a plain bootstrap of 20
 * would put the p90 where only eight runs of ten stay below it (forecast-coverage.test.ts).
 */
function drawMeasured(values: readonly number[], random: Prng): DrawnQuantity {
  if (values.length === 0) return { mean: 0, deviation: 0 };
  const [own, deviation] = [meanOf(values), deviationOf(values)];
  const n = Math.min(values.length, MOST_RESAMPLED);
  const drawn = Array.from({ length: n }, () => random.pick(values));
  const [off, spread] = [meanOf(drawn) - own, deviationOf(drawn)];
  const found = spread === 0 ? Math.sign(off) * MOST_ERRORS : (off / spread) * Math.sqrt(n);
  const errors = Math.max(-MOST_ERRORS, Math.min(MOST_ERRORS, found));
  return { mean: Math.max(0, own - (errors * deviation) / Math.sqrt(n)), deviation };
}

/** The sum over so many calls: exact in the mean, normal around it, and never below nothing. */
export function drawSum({ mean, deviation }: DrawnQuantity, calls: number, z: number): number {
  return Math.max(0, calls * mean + z * deviation * Math.sqrt(calls));
}

/** Draws a share from its posterior: Jeffreys' for what was counted. */
export function drawShare(share: Share, random: Prng): number {
  const [a, b] =
    share.type === "measured"
      ? [share.passed + 0.5, share.asked - share.passed + 0.5]
      : [share.mean * share.weight, (1 - share.mean) * share.weight];
  if (a <= 0) return 0;
  if (b <= 0) return 1;
  const x = drawGamma(a, random);
  return x / (x + drawGamma(b, random));
}

/** How many of `n` succeed: the binomial's mean and spread, as a normal would have it, rounded and kept within 0 and n. */
export function drawCount(n: number, share: number, z: number): number {
  return Math.min(n, Math.max(0, Math.round(n * share + z * Math.sqrt(n * share * (1 - share)))));
}

/** Marsaglia and Tsang's method (2000), with their boost for shapes below one. */
function drawGamma(shape: number, random: Prng): number {
  if (shape < 1) return drawGamma(shape + 1, random) * (1 - random.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  if (values.length < 2) return mean;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
