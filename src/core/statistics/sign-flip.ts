import { prng } from "../prng.ts";

/** How a sign-flip test is done. */
export interface SignFlipOptions {
  /** Names the random stream where signs must be drawn. */
  readonly key: string;
  /** Every difference times this is an integer, if it is known: then the test is exact at any number of differences. */
  readonly denominator?: number;
}

/** A two-sided p-value. */
export interface SignFlipResult {
  readonly pValue: number;
  readonly isExact: boolean;
}

/** Up to this many differences other than 0 all signs are tried: 2^16 sums. */
const EXACT_DIFFERENCES = 16;
/** Most additions that the exact test over integers may take. */
const EXACT_WORK = 2 ** 26;
const DRAWS = 20_000;

/**
 * Two-sided sign-flip permutation test of paired differences, one an independent unit (a question, or a cluster's sum): the
 * share of all ways to swap the two methods, unit by unit, whose difference is at least as large. 1 where no unit differs.
 *
 * Exact over integers where a common denominator is given, exact by trying all signs up to 16 differences, and otherwise
 * over 20,000 drawn signs with one added to both counts, so that it is never 0 and never too small (Phipson & Smyth 2010).
 * For right-or-wrong scores it is exact McNemar.
 */
export function signFlipTest(differences: readonly number[], { key, denominator }: SignFlipOptions): SignFlipResult {
  if (denominator !== undefined) {
    const integers = differences.map((difference) => Math.abs(Math.round(difference * denominator)));
    const total = integers.reduce((sum, integer) => sum + integer, 0);
    const observed = Math.abs(differences.reduce((sum, difference) => sum + Math.round(difference * denominator), 0));
    if ((2 * total + 1) * integers.length <= EXACT_WORK) {
      return { pValue: overIntegers(integers.filter(Boolean), observed), isExact: true };
    }
  }
  const varying = differences.filter((difference) => Math.abs(difference) > 1e-12);
  // A sum that only a rounding keeps from the observed one is as large.
  const observed = Math.abs(varying.reduce((sum, difference) => sum + difference, 0)) - 1e-9;
  if (varying.length <= EXACT_DIFFERENCES) return { pValue: overAllSigns(varying, observed), isExact: true };
  return { pValue: overDrawnSigns(varying, observed, key), isExact: false };
}

/** Distribution of the signed sum of non-negative integers, one after the other; its mass at or beyond the observed sum. */
function overIntegers(integers: readonly number[], observed: number): number {
  const total = integers.reduce((sum, integer) => sum + integer, 0);
  let chance = new Float64Array(2 * total + 1);
  chance[total] = 1;
  for (const integer of integers) {
    const next = new Float64Array(2 * total + 1);
    for (let at = integer; at < chance.length - integer; at++) {
      const half = (chance[at] as number) / 2;
      if (half === 0) continue;
      next[at - integer] = (next[at - integer] as number) + half;
      next[at + integer] = (next[at + integer] as number) + half;
    }
    chance = next;
  }
  let tail = 0;
  chance.forEach((mass, at) => {
    if (Math.abs(at - total) >= observed) tail += mass;
  });
  return Math.min(1, tail);
}

function overAllSigns(differences: readonly number[], observed: number): number {
  const ways = 2 ** differences.length;
  let asLarge = 0;
  for (let signs = 0; signs < ways; signs++) {
    let sum = 0;
    differences.forEach((difference, bit) => {
      sum += signs & (1 << bit) ? -difference : difference;
    });
    if (Math.abs(sum) >= observed) asLarge++;
  }
  return asLarge / ways;
}

function overDrawnSigns(differences: readonly number[], observed: number, key: string): number {
  const random = prng(key);
  let asLarge = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    let sum = 0;
    for (const difference of differences) sum += random.next() < 0.5 ? difference : -difference;
    if (Math.abs(sum) >= observed) asLarge++;
  }
  return (asLarge + 1) / (DRAWS + 1);
}
