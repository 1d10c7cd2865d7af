import type { Interval } from "./intervals.ts";
import { normalQuantile } from "./special-functions.ts";

/** Two methods on the same `n` questions: how many only the first got right, and how many only the second. */
export interface DiscordantCounts {
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly n: number;
}

/**
 * Tango's score interval for a difference of paired proportions, second minus first, -1 to 1; null when n is 0. It is
 * honest where the two never differ: 0 of 6 says nothing finer than +-39 points, of which a bootstrap makes +-0.
 * @source Tango (1998), Statistics in Medicine 17:891-908; recommended by Fagerland, Lydersen & Laake (2014), ibid. 33:2850-2875
 */
export function pairedDifferenceInterval(counts: DiscordantCounts, confidence = 0.95): Interval | null {
  const { onlyFirst, onlySecond, n } = counts;
  if (n === 0) return null;
  const z = normalQuantile(0.5 + confidence / 2);
  const difference = (onlySecond - onlyFirst) / n;
  // The score falls as the supposed difference grows.
  const low = difference === -1 ? -1 : lastWhere((supposed) => score(supposed, counts) > z, -1, difference);
  const high = difference === 1 ? 1 : lastWhere((supposed) => score(supposed, counts) >= -z, difference, 1);
  return [low, high];
}

/** Standardised distance of the observed difference from a supposed one, its variance estimated under the latter. */
function score(supposed: number, { onlyFirst, onlySecond, n }: DiscordantCounts): number {
  const distance = onlySecond - onlyFirst - n * supposed;
  // The likeliest share that only the first gets right, if the difference were as supposed: root of 2n q² + b q + c = 0.
  const b = (2 * n - onlySecond + onlyFirst) * supposed - onlyFirst - onlySecond;
  const c = -onlyFirst * supposed * (1 - supposed);
  const share = (Math.sqrt(Math.max(0, b * b - 8 * n * c)) - b) / (4 * n);
  const variance = n * (2 * share + supposed * (1 - supposed));
  if (variance > 0) return distance / Math.sqrt(variance);
  return distance === 0 ? 0 : Math.sign(distance) * Number.POSITIVE_INFINITY;
}

/** Where a condition that holds at first stops to hold, by bisection to the last bit. */
function lastWhere(holds: (value: number) => boolean, from: number, to: number): number {
  let [low, high] = [from, to];
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return holds(high) ? high : low;
    if (holds(middle)) low = middle;
    else high = middle;
  }
}
