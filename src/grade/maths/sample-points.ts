/** @file Values for variables at which two expressions are compared: drawn by name, the same in every run. */
import { type Complex } from "./complex.ts";
import { type Rational, rational, whole } from "./rational.ts";
import { fromRational, type Real } from "./real.ts";

/** What a point is good for. */
export type PointKind = "positive" | "signed" | "large" | "small" | "whole" | "complex";

/** The points, in the order in which they are tried. */
export const POINTS: readonly PointKind[] = [
  ...(["positive", "signed", "large", "signed", "small", "signed", "whole", "whole", "complex", "complex"] as const),
];

/** Points at which whole numbers alone have a meaning: factorials, binomials. */
export const WHOLE_POINTS: readonly PointKind[] = ["whole", "whole", "whole", "whole", "whole", "whole", "whole"];

/** 32 bits of a text (FNV-1a), to draw from. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193) >>> 0;
  state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
  return (state ^ (state >>> 13)) >>> 0;
}

/** A rational between 1/2 and 5/2, drawn by name. */
export function seededValue(name: string): Rational {
  return rational(BigInt(500 + (hash(name) % 2003)), 1009n) ?? whole(1);
}

/** The value of a variable at a real point. */
export function rationalAt(kind: PointKind, index: number, name: string): Rational {
  const key = `${index}/${name}`;
  const base = seededValue(key);
  const sign = hash(`${key}/sign`) % 2 === 0 ? 1n : -1n;
  switch (kind) {
    case "positive":
      return base;
    case "signed":
      // The first such point is negative in every variable: roots and absolute values differ there.
      return { ...base, numerator: index === 1 ? -base.numerator : sign * base.numerator };
    case "large":
      return { ...base, numerator: base.numerator * 37n };
    case "small":
      return { numerator: sign * base.numerator, denominator: base.denominator * 41n };
    case "whole":
      return whole(2 + (hash(key) % 9));
    case "complex":
      return base;
    default:
      return kind satisfies never;
  }
}

/** The value of a variable at a complex point: near the real axis, so that principal branches agree. */
export function complexAt(index: number, name: string): Complex {
  const part = (which: string): Real => fromRational(seededValue(`${index}/${name}/${which}`)) as Real;
  const im = part("im");
  return { re: part("re"), im: { mantissa: im.mantissa, exponent: im.exponent - 2 } };
}

/** The values of all variables at a point: exact ones at real points, complex ones at complex points. */
export function variablesAt(
  kind: PointKind,
  index: number,
  symbols: readonly string[],
): { readonly rationals: ReadonlyMap<string, Rational>; readonly complexes: ReadonlyMap<string, Complex> } {
  const isComplex = kind === "complex";
  return {
    rationals: new Map(isComplex ? [] : symbols.map((name) => [name, rationalAt(kind, index, name)])),
    complexes: new Map(isComplex ? symbols.map((name) => [name, complexAt(index, name)]) : []),
  };
}
