import { normalQuantile } from "./special-functions.ts";

/** Low and high end of a confidence interval. */
export type Interval = [low: number, high: number];

/**
 * Wilson's score interval for a proportion of `successes` in `n` independent trials, one a question; null when n is 0.
 * Several samples of one question are not independent: use `shareInterval` over the questions' means there.
 */
export function wilsonInterval(successes: number, n: number, confidence = 0.95): Interval | null {
  if (n === 0) return null;
  const z = normalQuantile(0.5 + confidence / 2);
  const share = successes / n;
  const scale = 1 + (z * z) / n;
  const centre = (share + (z * z) / (2 * n)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  // At 0 and n the ends are 0 and 1 exactly; arithmetic would miss them by a rounding.
  return [successes === 0 ? 0 : centre - half, successes === n ? 1 : centre + half];
}

/** The mean of values, NaN for none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
