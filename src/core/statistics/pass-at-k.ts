/**
 * pass@k: the chance that at least one of `k` samples drawn without replacement from `n`, of which `right` are right, is right;
 * null when n < k, where nothing unbiased can be said. The mean over questions is unbiased. cov@k ("coverage") is the same
 * quantity; s1 takes the first k samples instead, which has the same mean and a larger spread.
 * @source Chen et al. (2021), arXiv 2107.03374, in the form of a product that cannot overflow
 */
export function passAtK({ n, right }: SampleCounts, k: number): number | null {
  if (n < k || k < 1) return null;
  let allWrong = 1;
  for (let i = n - right + 1; i <= n; i++) allWrong *= Math.max(0, 1 - k / i);
  return 1 - allWrong;
}

/** pass^k: the chance that all of `k` samples drawn without replacement are right; null when n < k. */
export function passAllAtK({ n, right }: SampleCounts, k: number): number | null {
  if (n < k || k < 1) return null;
  let allRight = 1;
  for (let i = 0; i < k; i++) allRight *= Math.max(0, right - i) / (n - i);
  return allRight;
}

/** The samples of one question. */
export interface SampleCounts {
  readonly n: number;
  readonly right: number;
}
