/** @file The three numbers by which s1 judges a way to spend thinking: Control, Scaling, Performance (paper, 3.2). */

/** One run over a benchmark: its mean thinking tokens and its accuracy from 0 to 1. */
export interface ScalingPoint {
  readonly thinkingTokens: number;
  readonly accuracy: number;
}

/**
 * s1's Scaling: the mean, over all pairs of runs, of the slope in accuracy points (percent) per doubling of mean
 * thinking tokens. Runs without thinking have no place on a log axis and are left out, as are pairs of equal length;
 * null when no pair remains. The paper does not say that its axis is log2, but only that gives its Table 3.
 */
export function scalingSlope(runs: readonly ScalingPoint[]): number | null {
  const points = runs.filter((point) => point.thinkingTokens > 0);
  let sum = 0;
  let pairs = 0;
  points.forEach((a, index) => {
    for (const b of points.slice(index + 1)) {
      const doublings = Math.log2(b.thinkingTokens / a.thinkingTokens);
      if (doublings === 0) continue;
      sum += (100 * (b.accuracy - a.accuracy)) / doublings;
      pairs++;
    }
  });
  return pairs === 0 ? null : sum / pairs;
}

/** s1's Control: the share of runs whose mean thinking tokens lie within their cap; null for no runs. */
export function controlShare(
  runs: readonly { readonly thinkingTokens: number; readonly capTokens: number }[],
): number | null {
  if (runs.length === 0) return null;
  return runs.filter((run) => run.thinkingTokens <= run.capTokens).length / runs.length;
}
