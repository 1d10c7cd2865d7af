/** @file The simple rational that a real is to all its digits, where it is one: `\sin 30^\circ` is 1/2. */
import { floorOf } from "./exact-value.ts";
import { abs, compare, divide, type Rational, rational, subtract, whole } from "./rational.ts";
import { type Real, toRational } from "./real.ts";

/** Largest denominator that counts as simple. */
const MAX_DENOMINATOR = 1_000_000n;
/** 1 over this is the relative distance that counts as none: 55 digits. */
const NEARNESS = 10n ** 55n;
const MAX_STEPS = 40;

/** By its continued fraction; null where no simple rational is near enough. */
export function rationalNear(value: Real): Rational | null {
  const exact = toRational(value);
  if (exact === null || exact.numerator === 0n) return exact;
  let [top, topBefore, bottom, bottomBefore] = [1n, 0n, 0n, 1n];
  let rest = exact;
  for (let step = 0; step < MAX_STEPS; step++) {
    const part = floorOf(rest);
    [top, topBefore] = [part * top + topBefore, top];
    [bottom, bottomBefore] = [part * bottom + bottomBefore, bottom];
    if (bottom > MAX_DENOMINATOR) return null;
    const candidate = rational(top, bottom) ?? whole(0);
    if (isNear(candidate, exact)) return candidate;
    const fraction = subtract(rest, whole(part));
    const next = divide(whole(1), fraction);
    if (next === null) return candidate;
    rest = next;
  }
  return null;
}

function isNear(a: Rational, b: Rational): boolean {
  const gap = abs(subtract(a, b));
  return compare({ numerator: gap.numerator * NEARNESS, denominator: gap.denominator }, abs(b)) <= 0;
}
