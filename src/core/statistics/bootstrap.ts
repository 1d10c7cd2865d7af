import { prng } from "../prng.ts";
import type { Interval } from "./intervals.ts";

/** How a bootstrap draws. */
export interface BootstrapOptions {
  /** Names the random stream: the same key and inputs give the same interval. */
  readonly key: string;
  /** 10,000 if absent, as in the s1 paper. */
  readonly resamples?: number;
  /** 0.95 if absent. */
  readonly confidence?: number;
}

/**
 * Percentile bootstrap interval of a statistic over questions drawn with replacement. Resamples for which the statistic
 * is null are left out. Null when there is no question, when no resample gives a value, and when all give the same one: what
 * never varied in the sample says nothing of how much it might, and a point is no interval.
 *
 * @param n         number of questions
 * @param statistic of a resample, given as how often each question (by index) was drawn
 */
export function bootstrapInterval(
  n: number,
  statistic: (drawn: Uint32Array) => number | null,
  { key, resamples = 10_000, confidence = 0.95 }: BootstrapOptions,
): Interval | null {
  if (n === 0) return null;
  const random = prng(key);
  const drawn = new Uint32Array(n);
  const values: number[] = [];
  for (let i = 0; i < resamples; i++) {
    drawn.fill(0);
    for (let j = 0; j < n; j++) {
      const index = random.int(0, n - 1);
      drawn[index] = (drawn[index] as number) + 1;
    }
    const value = statistic(drawn);
    if (value !== null) values.push(value);
  }
  values.sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  return values.length === 0 || values[0] === values.at(-1)
    ? null
    : [quantile(values, tail), quantile(values, 1 - tail)];
}

/** Quantile of sorted values, linear between neighbours (the definition that numpy uses by default). */
export function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}
