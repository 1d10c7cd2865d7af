/** One sample, as far as choosing the best goes. */
export interface RankedSample {
  /** The lowest is chosen: tokens of thinking, or how unlikely the answer was. */
  readonly rank: number;
  /** Whether it may be chosen before others; a sample that gives no answer is chosen only where none does. */
  readonly hasAnswer: boolean;
  readonly isRight: boolean;
}

/**
 * The chance that the sample of the lowest rank of `k` drawn without replacement is right, among those that give an answer if any
 * does; null when there are fewer. Equal ranks count as their mean, which is what drawing one of them gives. Exact: samples are gone
 * through from the first choice to the last, with the chance that all those before are left undrawn.
 */
export function bestAtK(samples: readonly RankedSample[], k: number): number | null {
  const n = samples.length;
  if (n < k || k < 1) return null;
  /** Chance that none of the first `count` in the order of choice is drawn. */
  const allUndrawn = (count: number): number => {
    let chance = 1;
    for (let i = 0; i < k; i++) chance *= Math.max(0, n - count - i) / (n - i);
    return chance;
  };
  let right = 0;
  let before = 0;
  for (const tied of inOrderOfChoice(samples)) {
    const isFirst = allUndrawn(before) - allUndrawn(before + tied.length);
    right += (isFirst * tied.filter(({ isRight }) => isRight).length) / tied.length;
    before += tied.length;
  }
  return Math.min(1, right);
}

/** Samples that would be chosen alike, best choice first. */
function inOrderOfChoice(samples: readonly RankedSample[]): RankedSample[][] {
  const place = ({ rank, hasAnswer }: RankedSample): number => (hasAnswer ? rank : Number.POSITIVE_INFINITY);
  const groups = new Map<number, RankedSample[]>();
  for (const sample of samples) groups.set(place(sample), [...(groups.get(place(sample)) ?? []), sample]);
  return [...groups].sort(([a], [b]) => a - b).map(([, tied]) => tied);
}
