/** @file Axes: from numbers to drawing units, and where to put the ticks. */

/** Maps `domain` linearly to `range`; a domain of no width maps to the middle of the range. */
export function linearScale(
  domain: readonly [number, number],
  range: readonly [number, number],
): (value: number) => number {
  const width = domain[1] - domain[0];
  if (width === 0) return () => (range[0] + range[1]) / 2;
  return (value) => range[0] + ((value - domain[0]) / width) * (range[1] - range[0]);
}

/** Powers of two from `low` to `high` (both positive), at most `most` of them, evenly spaced in the exponent. */
export function powersOfTwo(low: number, high: number, most: number): readonly number[] {
  const first = Math.ceil(Math.log2(low));
  const last = Math.floor(Math.log2(high));
  const step = Math.max(1, Math.ceil((last - first + 1) / most));
  const ticks: number[] = [];
  for (let exponent = first; exponent <= last; exponent += step) ticks.push(2 ** exponent);
  return ticks;
}

/** Round steps (1, 2 or 5 times a power of ten) from 0 up to and including the first at or above `high`. */
export function roundTicks(high: number, most: number): readonly number[] {
  if (!(high > 0)) return [0, 1];
  const raw = high / most;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * magnitude >= raw) ?? 10) * magnitude;
  return Array.from({ length: Math.ceil(high / step - 1e-9) + 1 }, (_, index) => index * step);
}

/** A drawing coordinate with one decimal: short files, and the same text on every machine. */
export function coordinate(value: number): number {
  return Math.round(value * 10) / 10;
}
