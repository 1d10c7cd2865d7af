/** @file Complex numbers over {@link Real}, principal branches throughout; null where a value is not defined or too large. */
import {
  absolute,
  agree,
  arcTangent,
  difference,
  exponential,
  logarithm,
  negative,
  ONE,
  order,
  PI,
  product,
  quotient,
  type Real,
  signOf,
  sineAndCosine,
  sizeOf,
  squareRoot,
  sum,
  ZERO,
} from "./real.ts";

/** A complex number. */
export interface Complex {
  readonly re: Real;
  readonly im: Real;
}

const HALF: Real = { mantissa: 1n, exponent: -1 };

/** A real as a complex number. */
export function fromReal(re: Real): Complex {
  return { re, im: ZERO };
}

/** The imaginary unit. */
export const I: Complex = { re: ZERO, im: ONE };

function complex(re: Real | null, im: Real | null): Complex | null {
  return re === null || im === null ? null : { re, im };
}

/** The sum. */
export function addComplex(a: Complex, b: Complex): Complex | null {
  return complex(sum(a.re, b.re), sum(a.im, b.im));
}

/** The opposite. */
export function negateComplex({ re, im }: Complex): Complex {
  return { re: negative(re), im: negative(im) };
}

/** The product. */
export function multiplyComplex(a: Complex, b: Complex): Complex | null {
  const parts = [product(a.re, b.re), product(a.im, b.im), product(a.re, b.im), product(a.im, b.re)];
  const [reRe, imIm, reIm, imRe] = parts;
  if (!reRe || !imIm || !reIm || !imRe) return null;
  return complex(difference(reRe, imIm), sum(reIm, imRe));
}

/** The quotient; null when `b` is 0. */
export function divideComplex(a: Complex, b: Complex): Complex | null {
  const size = squaredSize(b);
  if (size === null || signOf(size) === 0) return null;
  const top = multiplyComplex(a, { re: b.re, im: negative(b.im) });
  return top && complex(quotient(top.re, size), quotient(top.im, size));
}

/** Whether it is 0. */
export function isZero({ re, im }: Complex): boolean {
  return signOf(re) === 0 && signOf(im) === 0;
}

function squaredSize({ re, im }: Complex): Real | null {
  const [a, b] = [product(re, re), product(im, im)];
  return a && b && sum(a, b);
}

/** The distance from 0. */
export function modulus(value: Complex): Real | null {
  if (signOf(value.im) === 0) return absolute(value.re);
  const size = squaredSize(value);
  return size && squareRoot(size);
}

/** The angle, above -pi and up to pi; null for 0. */
export function argument({ re, im }: Complex): Real | null {
  if (signOf(re) === 0 && signOf(im) === 0) return null;
  if (signOf(im) === 0) return signOf(re) > 0 ? ZERO : PI;
  const quarter = product(PI, HALF) ?? ZERO;
  // The smaller side over the larger, so that the tangent is at most 1.
  if (order(absolute(im), absolute(re)) > 0) {
    const rest = arcTangent(quotient(re, im) ?? ZERO);
    return difference(signOf(im) > 0 ? quarter : negative(quarter), rest);
  }
  const angle = arcTangent(quotient(im, re) ?? ZERO);
  if (signOf(re) > 0) return angle;
  return signOf(im) > 0 ? sum(angle, PI) : difference(angle, PI);
}

/** e to a complex power. */
export function exponentialComplex({ re, im }: Complex): Complex | null {
  const size = exponential(re);
  if (size === null) return null;
  if (signOf(im) === 0) return fromReal(size);
  const turn = sineAndCosine(im);
  return turn && complex(product(size, turn.cosine), product(size, turn.sine));
}

/** The principal logarithm; null for 0. */
export function logarithmComplex(value: Complex): Complex | null {
  const [size, angle] = [modulus(value), argument(value)];
  return size && angle && complex(logarithm(size), angle);
}

/** The principal square root. */
export function squareRootComplex(value: Complex): Complex | null {
  if (signOf(value.im) === 0) {
    const root = squareRoot(absolute(value.re));
    return root && (signOf(value.re) < 0 ? { re: ZERO, im: root } : fromReal(root));
  }
  const size = modulus(value);
  const inner = size && sum(size, absolute(value.re));
  const large = inner && squareRoot(product(inner, HALF) ?? ZERO);
  const small = large && quotient(product(absolute(value.im), HALF) ?? ZERO, large);
  if (!large || !small) return null;
  const [re, im] = signOf(value.re) >= 0 ? [large, small] : [small, large];
  return { re, im: signOf(value.im) < 0 ? negative(im) : im };
}

/** The principal power; 0 to a positive real power is 0, to any other null. */
export function powerComplex(base: Complex, exponent: Complex): Complex | null {
  if (isZero(exponent)) return fromReal(ONE);
  if (isZero(base)) return signOf(exponent.im) === 0 && signOf(exponent.re) > 0 ? base : null;
  const logged = logarithmComplex(base);
  const raised = logged && multiplyComplex(logged, exponent);
  return raised && exponentialComplex(raised);
}

/** Sine and cosine by Euler's formula. */
export function sineAndCosineComplex(value: Complex): { readonly sine: Complex; readonly cosine: Complex } | null {
  if (signOf(value.im) === 0) {
    const turn = sineAndCosine(value.re);
    return turn && { sine: fromReal(turn.sine), cosine: fromReal(turn.cosine) };
  }
  const forward = exponentialComplex({ re: negative(value.im), im: value.re });
  const back = exponentialComplex({ re: value.im, im: negative(value.re) });
  if (!forward || !back) return null;
  const [added, taken] = [addComplex(forward, back), addComplex(forward, negateComplex(back))];
  const half = (one: Complex | null) => one && multiplyComplex(one, fromReal(HALF));
  const cosine = half(added);
  const doubled = half(taken);
  const sine = doubled && { re: doubled.im, im: negative(doubled.re) };
  return sine && cosine && { sine, cosine };
}

/**
 * Whether two complex numbers agree relatively to so many digits, measured against the larger modulus: a part that is only
 * the rounding of the other is no difference.
 */
export function agreeComplex(a: Complex, b: Complex, digits: number): boolean {
  if (signOf(a.im) === 0 && signOf(b.im) === 0) return agree(a.re, b.re, digits);
  const gap = addComplex(a, negateComplex(b));
  if (gap === null) return false;
  const size = (one: Complex): number => Math.max(sizeOf(one.re), sizeOf(one.im));
  const bits = Math.floor(digits * Math.log2(10));
  return isZero(gap) || size(gap) <= Math.max(size(a), size(b)) - bits;
}
