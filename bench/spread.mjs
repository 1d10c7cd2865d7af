// Ratios of several rounds as figures: the median under its name, and how far apart the rounds were.

/** The value in the middle, or the mean of the two. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Adds `name`, the median; `nameLow` and `nameHigh`, the least and the greatest; `nameRounds`, how many there are. */
export function addSpread(figures, name, values) {
  figures[name] = median(values);
  figures[`${name}Low`] = Math.min(...values);
  figures[`${name}High`] = Math.max(...values);
  figures[`${name}Rounds`] = values.length;
}

/** The same as words. */
export function spreadText(values, digits = 2) {
  const [middle, low, high] = [median(values), Math.min(...values), Math.max(...values)].map((x) => x.toFixed(digits));
  return `${middle} (${low} to ${high}, n = ${values.length})`;
}
