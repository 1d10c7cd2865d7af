import { logGamma } from "./special-functions.ts";

/**
 * Exact McNemar test of two methods on the same questions: the two-sided binomial probability (half and half) of a split
 * of the discordant questions at least as uneven as this one. 1 when no question is discordant. For right-or-wrong
 * scores this is the exact permutation test too.
 *
 * @param onlyFirst  questions that only the first method got right
 * @param onlySecond questions that only the second got right
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  if (2 * fewer >= n) return 1;
  let tail = 0;
  for (let k = 0; k <= fewer; k++) {
    tail += Math.exp(logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1) - n * Math.LN2);
  }
  return Math.min(1, 2 * tail);
}
