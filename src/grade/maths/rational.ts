/** @file Exact rationals over bigint: always in lowest terms with a positive denominator, so equal values are equal records. */

/** `numerator / denominator`, in lowest terms, denominator above 0. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Most bits of a numerator or denominator that {@link power} will make: a guard against answers like `9^9^9`. */
export const MAX_RATIONAL_BITS = 4_096;

/** The rational `numerator / denominator`; null when the denominator is 0. */
export function rational(numerator: bigint, denominator = 1n): Rational | null {
  if (denominator === 0n) return null;
  const divisor = greatestCommonDivisor(numerator, denominator) * (denominator < 0n ? -1n : 1n);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** A whole number. */
export function whole(value: bigint | number): Rational {
  return { numerator: BigInt(value), denominator: 1n };
}

/** A plain decimal such as `-12.50` as the exact value it names; null when the text is none. No exponent, no separators. */
export function decimal(text: string): Rational | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text);
  const [, sign = "", units = "", digits = ""] = match ?? [];
  if (!match || units + digits === "") return null;
  const value = BigInt(units + digits);
  return rational(sign === "-" ? -value : value, 10n ** BigInt(digits.length));
}

/** The sum. */
export function add(a: Rational, b: Rational): Rational {
  return reduced(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
}

/** The difference. */
export function subtract(a: Rational, b: Rational): Rational {
  return add(a, negate(b));
}

/** The opposite. */
export function negate({ numerator, denominator }: Rational): Rational {
  return { numerator: -numerator, denominator };
}

/** The size. */
export function abs({ numerator, denominator }: Rational): Rational {
  return { numerator: numerator < 0n ? -numerator : numerator, denominator };
}

/** The product. */
export function multiply(a: Rational, b: Rational): Rational {
  return reduced(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** The quotient; null when `b` is 0. */
export function divide(a: Rational, b: Rational): Rational | null {
  return rational(a.numerator * b.denominator, a.denominator * b.numerator);
}

/**
 * A whole power; null where there is none (0 to a power below 1), or where the result would have more than
 * {@link MAX_RATIONAL_BITS} bits.
 */
export function power(base: Rational, exponent: bigint): Rational | null {
  if (base.numerator === 0n) return exponent > 0n ? base : null;
  const size = exponent < 0n ? -exponent : exponent;
  const bits = BigInt(Math.max(bitLength(base.numerator), bitLength(base.denominator)));
  const isUnit = base.denominator === 1n && (base.numerator === 1n || base.numerator === -1n);
  if (isUnit) return size % 2n === 0n ? whole(1n) : base;
  if (size * bits > BigInt(MAX_RATIONAL_BITS)) return null;
  const [top, bottom] = [base.numerator ** size, base.denominator ** size];
  return exponent < 0n ? rational(bottom, top) : { numerator: top, denominator: bottom };
}

/** The real root of whole degree if it is rational, else null; null for an even root of a negative. Degree is 1 or more. */
export function exactRoot({ numerator, denominator }: Rational, degree: bigint): Rational | null {
  if (numerator < 0n && degree % 2n === 0n) return null;
  const top = integerRoot(numerator < 0n ? -numerator : numerator, degree);
  const bottom = integerRoot(denominator, degree);
  if (top === null || bottom === null) return null;
  return { numerator: numerator < 0n ? -top : top, denominator: bottom };
}

/** -1, 0 or 1 as `a` is below, equal to or above `b`. */
export function compare(a: Rational, b: Rational): -1 | 0 | 1 {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Whether the two are the same number. */
export function equals(a: Rational, b: Rational): boolean {
  return a.numerator === b.numerator && a.denominator === b.denominator;
}

/** Whether it is a whole number. */
export function isWhole({ denominator }: Rational): boolean {
  return denominator === 1n;
}

/** `7`, `-7/3`: one spelling for each value. */
export function rationalText({ numerator, denominator }: Rational): string {
  return denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`;
}

/**
 * Rounded to so many decimals, half away from zero, as a person rounds.
 * @param places 0 or more
 */
export function roundTo({ numerator, denominator }: Rational, places: number): Rational {
  const scale = 10n ** BigInt(places);
  const size = numerator < 0n ? -numerator : numerator;
  const rounded = (2n * size * scale + denominator) / (2n * denominator);
  return reduced(numerator < 0n ? -rounded : rounded, scale);
}

const asDouble = new DataView(new ArrayBuffer(8));
/** Above this a bigint is no finite double. */
const MAX_DOUBLE = 1n << 1_000n;

/**
 * Bits of a number's size; 0 for 0. One more for a number whose first 54 bits are ones, which as a double is the next power
 * of two: the double's exponent is several times faster than counting digits, and an upper bound is what callers need.
 */
export function bitLength(value: bigint): number {
  const size = value < 0n ? -value : value;
  if (size === 0n) return 0;
  if (size < MAX_DOUBLE) {
    asDouble.setFloat64(0, Number(size));
    return (asDouble.getUint16(0) >> 4) - 1022;
  }
  const digits = size.toString(16);
  return 4 * (digits.length - 1) + (32 - Math.clz32(Number.parseInt(digits.charAt(0), 16)));
}

function reduced(numerator: bigint, denominator: bigint): Rational {
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let left = a < 0n ? -a : a;
  let right = b < 0n ? -b : b;
  while (left > MAX_SAFE || right > MAX_SAFE) {
    if (right === 0n) return left;
    const rest = left % right;
    left = right;
    right = rest;
  }
  return BigInt(smallDivisor(Number(left), Number(right)));
}

/** The same in doubles, which are exact here and many times faster. */
function smallDivisor(a: number, b: number): number {
  let [left, right] = [a, b];
  while (right !== 0) {
    const rest = left % right;
    left = right;
    right = rest;
  }
  return left;
}

/** The whole root of a number of 0 or more if there is one, by Newton's iteration from above. */
function integerRoot(value: bigint, degree: bigint): bigint | null {
  if (value < 2n || degree === 1n) return value;
  const bits = bitLength(value);
  if (degree >= BigInt(bits)) return null;
  let guess = 1n << (BigInt(bits) / degree + 1n);
  for (;;) {
    const next = ((degree - 1n) * guess + value / guess ** (degree - 1n)) / degree;
    if (next >= guess) return guess ** degree === value ? guess : null;
    guess = next;
  }
}
