/**
 * @file Real numbers to about 67 digits: a mantissa over bigint times a power of two, rounded after each operation, so that
 * precision is relative at any size. Doubles will not do for grading: they call e^(pi sqrt 163) and 262537412640768744 equal.
 */
import { bitLength, type Rational, rational } from "./rational.ts";

/** `mantissa * 2 ** exponent`, the mantissa of at most {@link PRECISION_BITS} bits; 0 has mantissa 0. */
export interface Real {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** Bits that are kept: 67 digits, of which graders trust 55. */
export const PRECISION_BITS = 224;
/** Beyond this power of two a number counts as too large, or as too small to be told from 0. */
export const MAX_EXPONENT = 1 << 20;
/** More bits inside a function, so that its own roundings stay below the last bit that is kept. */
const GUARD_BITS = 32;
const WORKING_BITS = PRECISION_BITS + GUARD_BITS;
const ONE_FIXED = 1n << BigInt(WORKING_BITS);

/** 0. */
export const ZERO: Real = { mantissa: 0n, exponent: 0 };
/** 1. */
export const ONE: Real = { mantissa: 1n, exponent: 0 };

/** `mantissa * 2 ** exponent` rounded to what is kept; null when it is too large. Too small a number is 0. */
export function rounded(mantissa: bigint, exponent: number): Real | null {
  if (mantissa === 0n) return ZERO;
  const excess = bitLength(mantissa) - PRECISION_BITS;
  const size = bitLength(mantissa) + exponent;
  if (size > MAX_EXPONENT) return null;
  if (size < -MAX_EXPONENT) return ZERO;
  if (excess <= 0) return { mantissa, exponent };
  const half = 1n << BigInt(excess - 1);
  const shifted = mantissa < 0n ? -((-mantissa + half) >> BigInt(excess)) : (mantissa + half) >> BigInt(excess);
  return { mantissa: shifted, exponent: exponent + excess };
}

/** The nearest real to a rational; null when it is too large. */
export function fromRational({ numerator, denominator }: Rational): Real | null {
  const shift = Math.max(0, WORKING_BITS + bitLength(denominator) - bitLength(numerator));
  return rounded((numerator << BigInt(shift)) / denominator, -shift);
}

/** A double as it is; null for what is not finite. */
export function fromNumber(value: number): Real | null {
  if (!Number.isFinite(value)) return null;
  let exponent = 0;
  let scaled = value;
  while (!Number.isInteger(scaled)) [scaled, exponent] = [scaled * 2, exponent - 1];
  return rounded(BigInt(scaled), exponent);
}

/** The nearest double; infinite or 0 where it does not reach. */
export function toNumber({ mantissa, exponent }: Real): number {
  const excess = Math.max(0, bitLength(mantissa) - 60);
  return Number(mantissa >> BigInt(excess)) * 2 ** Math.max(-1074, Math.min(1100, exponent + excess));
}

/** The opposite. */
export function negative({ mantissa, exponent }: Real): Real {
  return { mantissa: -mantissa, exponent };
}

/** The size. */
export function absolute({ mantissa, exponent }: Real): Real {
  return { mantissa: mantissa < 0n ? -mantissa : mantissa, exponent };
}

/** -1, 0 or 1. */
export function signOf({ mantissa }: Real): -1 | 0 | 1 {
  return mantissa < 0n ? -1 : mantissa > 0n ? 1 : 0;
}

/** The sum; null when too large. */
export function sum(a: Real, b: Real): Real | null {
  const [low, high] = a.exponent < b.exponent ? [a, b] : [b, a];
  if (high.mantissa === 0n) return low;
  const distance = high.exponent - low.exponent;
  // The smaller cannot reach the last bit that is kept.
  if (distance > 2 * WORKING_BITS + bitLength(low.mantissa)) return high;
  return rounded((high.mantissa << BigInt(distance)) + low.mantissa, low.exponent);
}

/** The difference; null when too large. */
export function difference(a: Real, b: Real): Real | null {
  return sum(a, negative(b));
}

/** The product; null when too large. */
export function product(a: Real, b: Real): Real | null {
  return rounded(a.mantissa * b.mantissa, a.exponent + b.exponent);
}

/** The quotient; null when `b` is 0 or the result too large. */
export function quotient(a: Real, b: Real): Real | null {
  if (b.mantissa === 0n) return null;
  const shift = Math.max(0, WORKING_BITS + bitLength(b.mantissa) - bitLength(a.mantissa));
  return rounded((a.mantissa << BigInt(shift)) / b.mantissa, a.exponent - b.exponent - shift);
}

/** The number as a rational, which it is exactly; null when its size is beyond 2^±4096. */
export function toRational({ mantissa, exponent }: Real): Rational | null {
  if (mantissa !== 0n && Math.abs(bitLength(mantissa) + exponent) > 4_096) return null;
  return exponent >= 0 ? rational(mantissa << BigInt(exponent)) : rational(mantissa, 1n << BigInt(-exponent));
}

/** The order of two reals: -1, 0 or 1. */
export function order(a: Real, b: Real): -1 | 0 | 1 {
  const gap = difference(a, b);
  return gap === null ? signOf(a) : signOf(gap);
}

/** The square root; null for a negative. */
export function squareRoot(value: Real): Real | null {
  if (value.mantissa < 0n) return null;
  if (value.mantissa === 0n) return ZERO;
  let shift = Math.max(0, 2 * WORKING_BITS - bitLength(value.mantissa));
  if ((value.exponent - shift) % 2 !== 0) shift += 1;
  return rounded(floorSquareRoot(value.mantissa << BigInt(shift)), (value.exponent - shift) / 2);
}

function floorSquareRoot(value: bigint): bigint {
  let guess = 1n << BigInt(Math.ceil(bitLength(value) / 2));
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** Fixed point with {@link WORKING_BITS} behind the point. Precise for values of ordinary size only. */
function toFixed({ mantissa, exponent }: Real): bigint {
  const shift = exponent + WORKING_BITS;
  return shift >= 0 ? mantissa << BigInt(shift) : mantissa >> BigInt(-shift);
}

const fromFixed = (value: bigint): Real => rounded(value, -WORKING_BITS) ?? ZERO;
const timesFixed = (a: bigint, b: bigint): bigint => (a * b) >> BigInt(WORKING_BITS);

/** atan(1/n) by its series, as Machin used it. */
function inverseArcTangent(n: bigint): bigint {
  let total = 0n;
  let term = ONE_FIXED / n;
  for (let k = 1n, sign = 1n; term !== 0n; k += 2n, sign = -sign, term /= n * n) total += (sign * term) / k;
  return total;
}

const PI_FIXED = 16n * inverseArcTangent(5n) - 4n * inverseArcTangent(239n);
/** ln 2 = 2 atanh(1/3). */
const LN_2_FIXED = (() => {
  let total = 0n;
  let term = ONE_FIXED / 3n;
  for (let k = 1n; term !== 0n; k += 2n, term /= 9n) total += term / k;
  return 2n * total;
})();

/** The circle's constant. */
export const PI: Real = fromFixed(PI_FIXED);

/** A constant of the working precision and more: a large argument is reduced by as many bits as it is large. */
function reduce(value: Real, modulus: bigint): { readonly times: bigint; readonly rest: bigint } | null {
  // 64 bits of whole part use up the guard; beyond, the constant itself would be too short.
  if (bitLength(value.mantissa) + value.exponent > GUARD_BITS) return null;
  const fixed = toFixed(value);
  const times = (2n * fixed + modulus) / (2n * modulus) - (2n * fixed + modulus < 0n ? 1n : 0n);
  return { times, rest: fixed - times * modulus };
}

/** e to a power; null when too large. Too small a result is 0. */
export function exponential(value: Real): Real | null {
  const parts = reduce(value, LN_2_FIXED);
  if (parts === null) return value.mantissa < 0n ? ZERO : null;
  // exp(x) = exp(x / 2^8)^(2^8): the series then needs few terms, and eight squarings lose eight guard bits.
  const small = parts.rest >> 8n;
  let total = ONE_FIXED;
  for (let term = ONE_FIXED, k = 1n; ; k += 1n) {
    term = timesFixed(term, small) / k;
    if (term === 0n || term === -1n) break;
    total += term;
  }
  for (let i = 0; i < 8; i++) total = timesFixed(total, total);
  return rounded(total, Number(parts.times) - WORKING_BITS);
}

/** The natural logarithm; null for 0 and below. By Halley's iteration on {@link exponential}, from a double's logarithm. */
export function logarithm(value: Real): Real | null {
  if (value.mantissa <= 0n) return null;
  // value = m * 2^shift with m between about 1/sqrt 2 and sqrt 2, so that nothing cancels near 1, and ln 1 is 0.
  const top = bitLength(value.mantissa) + value.exponent;
  const isLow = toNumber({ mantissa: value.mantissa, exponent: value.exponent - top }) < Math.SQRT1_2;
  const shift = isLow ? top - 1 : top;
  const m = { mantissa: value.mantissa, exponent: value.exponent - shift };
  const target = toFixed(m);
  let guess = toFixed(fromNumber(Math.log(toNumber(m))) ?? ZERO);
  // Halley's step triples the digits that are right: 53 bits, 159, all.
  for (let i = 0; i < 2; i++) {
    const reached = toFixed(exponential(fromFixedExact(guess)) ?? ONE);
    guess += (2n * (target - reached) * ONE_FIXED) / (target + reached);
  }
  return fromFixed(guess + BigInt(shift) * LN_2_FIXED);
}

/** Without rounding: The last step must see every bit of its guess. */
const fromFixedExact = (value: bigint): Real => ({ mantissa: value, exponent: -WORKING_BITS });

/** Sine and cosine; null for an argument so large that its turn is not known (2^32 and more). */
export function sineAndCosine(value: Real): { readonly sine: Real; readonly cosine: Real } | null {
  const parts = reduce(value, PI_FIXED / 2n);
  if (parts === null) return null;
  const { rest } = parts;
  const square = timesFixed(rest, rest);
  const series = (first: bigint, start: bigint): bigint => {
    let total = first;
    for (let term = first, k = start; ; k += 2n) {
      term = -timesFixed(term, square) / (k * (k + 1n));
      if (term === 0n) return total;
      total += term;
    }
  };
  const [s, c] = [series(rest, 2n), series(ONE_FIXED, 1n)];
  const quarter = ((parts.times % 4n) + 4n) % 4n;
  const turned = [
    [s, c],
    [c, -s],
    [-s, -c],
    [-c, s],
  ][Number(quarter)] as [bigint, bigint];
  return { sine: snap(turned[0]), cosine: snap(turned[1]) };
}

/** A sine that is nothing but rounding is 0: sin(pi) must be. */
function snap(value: bigint): Real {
  const size = value < 0n ? -value : value;
  return bitLength(size) < GUARD_BITS + 8 ? ZERO : fromFixed(value);
}

/** The angle whose tangent is the value, between -pi/2 and pi/2. */
export function arcTangent(value: Real): Real {
  if (value.mantissa < 0n) return negative(arcTangent(negative(value)));
  if (order(value, ONE) > 0) {
    const rest = arcTangent(quotient(ONE, value) ?? ZERO);
    return difference(fromFixed(PI_FIXED / 2n), rest) ?? ZERO;
  }
  // Newton on tan: g + (v cos g - sin g) / (v sin g + cos g), from a double's angle.
  let guess = fromNumber(Math.atan(toNumber(value))) ?? ZERO;
  if (bitLength(value.mantissa) + value.exponent < -PRECISION_BITS / 2) return value;
  for (let i = 0; i < 2; i++) {
    const { sine, cosine } = sineAndCosine(guess) ?? { sine: ZERO, cosine: ONE };
    const top = difference(product(value, cosine) ?? ZERO, sine) ?? ZERO;
    const bottom = sum(product(value, sine) ?? ZERO, cosine) ?? ONE;
    guess = sum(guess, quotient(top, bottom) ?? ZERO) ?? guess;
  }
  return guess;
}

/**
 * Whether two reals agree relatively to so many digits. 0 agrees with 0 alone: never an absolute tolerance, which would call
 * 1/2^99 and 1/2^98 equal.
 */
export function agree(a: Real, b: Real, digits: number): boolean {
  const gap = difference(a, b);
  if (gap === null) return false;
  if (gap.mantissa === 0n) return true;
  const larger = order(absolute(a), absolute(b)) >= 0 ? a : b;
  const bits = Math.floor(digits * Math.log2(10));
  return sizeOf(gap) <= sizeOf(larger) - bits;
}

/** The power of two above the number's size. */
export function sizeOf({ mantissa, exponent }: Real): number {
  return mantissa === 0n ? -MAX_EXPONENT : bitLength(mantissa) + exponent;
}

/** The number in decimal with so many significant digits, for canonical forms: `3.14159e0`. */
export function realText(value: Real, digits: number): string {
  if (value.mantissa === 0n) return "0";
  const sign = value.mantissa < 0n ? "-" : "";
  const size = absolute(value);
  let power = Math.floor((sizeOf(size) - 1) * Math.log10(2));
  let text = scaledDigits(size, digits - 1 - power);
  if (text.length > digits) text = scaledDigits(size, digits - 1 - (power += 1));
  if (text.length < digits) text = scaledDigits(size, digits - 1 - (power -= 1));
  const fraction = text.slice(1).replace(/0+$/, "");
  return `${sign}${text.charAt(0)}${fraction === "" ? "" : `.${fraction}`}e${power}`;
}

/** `value * 10 ** places`, rounded to a whole number. */
function scaledDigits({ mantissa, exponent }: Real, places: number): string {
  const top = mantissa * (places > 0 ? 10n ** BigInt(places) : 1n) * (exponent > 0 ? 1n << BigInt(exponent) : 1n);
  const bottom = (places < 0 ? 10n ** BigInt(-places) : 1n) * (exponent < 0 ? 1n << BigInt(-exponent) : 1n);
  return ((2n * top + bottom) / (2n * bottom)).toString();
}
