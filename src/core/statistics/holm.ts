/**
 * Holm's adjusted p-values, in the order given: an adjusted p below alpha may be called significant, and the chance of any
 * false call among all of them stays below alpha. Nulls (comparisons without data) stay null and do not count.
 * @source Holm (1979), Scandinavian Journal of Statistics 6:65-70
 */
export function holmAdjusted(pValues: readonly (number | null)[]): (number | null)[] {
  const order = pValues
    .map((p, index) => ({ p, index }))
    .filter((entry): entry is { p: number; index: number } => entry.p !== null)
    .sort((a, b) => a.p - b.p);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let highest = 0;
  order.forEach(({ p, index }, rank) => {
    highest = Math.max(highest, Math.min(1, (order.length - rank) * p));
    adjusted[index] = highest;
  });
  return adjusted;
}
