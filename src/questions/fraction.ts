/** A fraction in lowest terms; the denominator is positive. */
export interface Fraction {
  readonly n: bigint;
  readonly d: bigint;
}

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** The greatest common divisor, never negative; 0 of 0 and 0. */
export function gcdOf(a: bigint, b: bigint): bigint {
  let [x, y] = [absolute(a), absolute(b)];
  while (y > 0n) [x, y] = [y, x % y];
  return x;
}

/** n / d in lowest terms; `d` must not be 0. */
export function fraction(n: bigint, d = 1n): Fraction {
  const common = gcdOf(n, d) * (d < 0n ? -1n : 1n);
  return { n: n / common, d: d / common };
}

/** The value of a binary operation; null where it divides by 0. */
export function combine(left: Fraction, operation: "+" | "-" | "*" | "/", right: Fraction): Fraction | null {
  switch (operation) {
    case "+":
      return fraction(left.n * right.d + right.n * left.d, left.d * right.d);
    case "-":
      return fraction(left.n * right.d - right.n * left.d, left.d * right.d);
    case "*":
      return fraction(left.n * right.n, left.d * right.d);
    case "/":
      return right.n === 0n ? null : fraction(left.n * right.d, left.d * right.n);
  }
}

/** Whether two fractions are the same number. */
export function isSame(left: Fraction, right: Fraction): boolean {
  return left.n === right.n && left.d === right.d;
}

/** `3`, `-3/4`. */
export function fractionText({ n, d }: Fraction): string {
  return d === 1n ? `${n}` : `${n}/${d}`;
}
