/** @file A set of reals written as the fewest intervals and points, so that equal sets have equal texts. */
import { rationalNear } from "./near-rational.ts";
import { rationalText } from "./rational.ts";
import { agree, difference, order, type Real, realText, sum } from "./real.ts";
import type { Region } from "./regions.ts";

const DIGITS = 50;
const SHOWN_DIGITS = 30;
const HALF = (value: Real): Real => ({ mantissa: value.mantissa, exponent: value.exponent - 1 });
const ONE: Real = { mantissa: 1n, exponent: 0 };

/** The text, such as `(-∞, 1) ∪ {2} ∪ [3, ∞)`; null where the region is not known well enough. */
export function regionText(region: Region): string | null {
  if (!region.isComplete) return null;
  const ends = distinct(region.changes);
  const inEnds = ends.map((end) => region.contains(end));
  const inGaps = gapsOf(ends).map((place) => region.contains(place));
  if (inEnds.includes(null) || inGaps.includes(null)) return null;
  const pieces = piecesOf(ends, inEnds as boolean[], inGaps as boolean[]);
  return pieces.length === 0 ? "set:empty" : pieces.join(" ∪ ");
}

function distinct(values: readonly Real[]): Real[] {
  const kept: Real[] = [];
  for (const value of [...values].sort(order)) {
    const last = kept.at(-1);
    if (last === undefined || !agree(last, value, DIGITS)) kept.push(value);
  }
  return kept;
}

/** A place before the first end, between each two, and behind the last. */
function gapsOf(ends: readonly Real[]): Real[] {
  const [first, last] = [ends[0], ends.at(-1)];
  if (first === undefined || last === undefined) return [ONE];
  const between = ends.slice(1).map((end, index) => HALF(sum(end, ends[index] as Real) ?? ONE));
  return [difference(first, ONE) ?? first, ...between, sum(last, ONE) ?? last];
}

/** Runs through ends and gaps from the left, joining what hangs together. */
function piecesOf(ends: readonly Real[], inEnds: readonly boolean[], inGaps: readonly boolean[]): string[] {
  const pieces: string[] = [];
  let open: string | null = inGaps[0] === true ? "(-∞" : null;
  ends.forEach((end, index) => {
    const [before, here, after] = [inGaps[index] === true, inEnds[index] === true, inGaps[index + 1] === true];
    const name = endText(end);
    if (before && !(here && after)) {
      pieces.push(`${open ?? ""}, ${name}${here ? "]" : ")"}`);
      open = null;
    } else if (!before && here && !after) pieces.push(`{${name}}`);
    if (after && !(before && here)) open = `${here ? "[" : "("}${name}`;
  });
  if (open !== null) pieces.push(`${open}, ∞)`);
  return pieces;
}

function endText(value: Real): string {
  const near = rationalNear(value);
  return near === null ? realText(value, SHOWN_DIGITS) : rationalText(near);
}
