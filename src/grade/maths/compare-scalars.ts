/**
 * @file Whether two values are the same: exactly where they are rational, else by evaluating both at points drawn by name, to
 * 50 digits. Never by an absolute tolerance; decimals alone are compared at a stated precision.
 */
import { agreeComplex, type Complex, isZero } from "./complex.ts";
import { complexValue, type Scope } from "./complex-value.ts";
import { exactValue } from "./exact-value.ts";
import { abs, compare, equals, isWhole, type Rational, rational, roundTo, subtract, whole } from "./rational.ts";
import { toRational } from "./real.ts";
import { type PointKind, POINTS, variablesAt, WHOLE_POINTS } from "./sample-points.ts";
import { freeSymbols, someTree, type Tree } from "./tree.ts";
import type { Work } from "./work.ts";

/** Digits to which exact forms must agree. */
const EXACT_DIGITS = 50;
/** Points that must have a value, and agree, before two expressions count as equal. */
const MIN_POINTS = 3;
/** Points at which exact expressions are compared: enough, since they are drawn from a thousand values each. */
const EXACT_POINTS = 5;

/** How values are compared. */
export interface ScalarOptions {
  /** Decimals to which decimals are compared. */
  readonly precision: number;
  /** Whether the precision was asked for: then it holds for small numbers too. */
  readonly isPrecisionGiven: boolean;
  readonly work: Work;
}

/** What a comparison comes to: `unknown` where neither could be worked out. */
export type Sameness = "same" | "different" | "unknown";

/** Compares two scalar trees. */
export function compareScalars(gold: Tree, pred: Tree, options: ScalarOptions): Sameness {
  const first = compareUnder("common", gold, pred, options);
  if (first === "same" || !(hasPlainLog(gold) || hasPlainLog(pred))) return first;
  // `\log` without a base is the common logarithm to some, the natural one to others.
  return compareUnder("natural", gold, pred, options);
}

function compareUnder(log: Scope["log"], gold: Tree, pred: Tree, options: ScalarOptions): Sameness {
  const symbols = [...new Set([...freeSymbols(gold), ...freeSymbols(pred)])];
  const isDecimal = hasDecimal(gold) || hasDecimal(pred);
  if (symbols.length === 0) return compareNumbers(log, gold, pred, { ...options, isDecimal });
  const isWholeOnly = needsWholeNumbers(gold) || needsWholeNumbers(pred);
  const kinds = isWholeOnly ? WHOLE_POINTS : POINTS;
  let met = 0;
  for (const [index, kind] of kinds.entries()) {
    const verdict = compareAt({ kind, index, symbols, log }, gold, pred, { ...options, isDecimal });
    if (verdict === "different") return verdict;
    if (verdict === "same-exact" && (met += 1) >= EXACT_POINTS) return "same";
    if (verdict === "same") met += 1;
  }
  return met >= MIN_POINTS ? "same" : "unknown";
}

interface Point {
  readonly kind: PointKind;
  readonly index: number;
  readonly symbols: readonly string[];
  readonly log: Scope["log"];
}

type PointOptions = ScalarOptions & { readonly isDecimal: boolean };

function compareAt(
  { kind, index, symbols, log }: Point,
  gold: Tree,
  pred: Tree,
  { isDecimal, precision, work }: PointOptions,
): Sameness | "same-exact" {
  const isComplex = kind === "complex";
  const { rationals, complexes } = variablesAt(kind, index, symbols);
  const exactGold = isComplex ? null : exactValue(gold, rationals, work);
  const exactPred = exactGold && exactValue(pred, rationals, work);
  if (exactGold && exactPred) {
    const isSame = equals(exactGold, exactPred) || (isDecimal && nearRationals(exactGold, exactPred, precision));
    return isSame ? "same-exact" : "different";
  }
  // At a real point outside the domain of one side `\ln x^2` and `2\ln x` part: there nothing is compared.
  const scope: Scope = { rationals, complexes, log, work, isRealOnly: !isComplex && areMeantReal(gold, pred) };
  const a = complexValue(gold, scope);
  const b = a && complexValue(pred, scope);
  if (!a || !b) return "unknown";
  return agreeComplex(a, b, isDecimal ? precision : EXACT_DIGITS) ? "same" : "different";
}

/** Whether neither has the imaginary unit. */
function areMeantReal(gold: Tree, pred: Tree): boolean {
  const isUnit = (part: Tree): boolean => part.type === "symbol" && part.name === "i";
  return !someTree(gold, isUnit) && !someTree(pred, isUnit);
}

function compareNumbers(log: Scope["log"], gold: Tree, pred: Tree, options: PointOptions): Sameness {
  const { work } = options;
  const none = new Map<string, never>();
  const exactGold = exactValue(gold, none, work);
  const exactPred = exactValue(pred, none, work);
  if (exactGold && exactPred) {
    if (equals(exactGold, exactPred)) return "same";
    return options.isDecimal && agreeRounded(exactGold, exactPred, options) ? "same" : "different";
  }
  const scope: Scope = { rationals: none, complexes: none, log, work };
  const a = complexValue(gold, scope);
  const b = a && complexValue(pred, scope);
  if (!a || !b) return "unknown";
  if (agreeComplex(a, b, EXACT_DIGITS)) return "same";
  return options.isDecimal && agreeAsDecimals(a, b, options) ? "same" : "different";
}

function agreeAsDecimals(a: Complex, b: Complex, options: PointOptions): boolean {
  if (isZero(a) || isZero(b)) return false;
  const parts = [a.re, b.re, a.im, b.im].map(toRational);
  if (!parts.every((part) => part !== null)) return false;
  const [aRe, bRe, aIm, bIm] = parts as [Rational, Rational, Rational, Rational];
  return agreeRounded(aRe, bRe, options) && agreeRounded(aIm, bIm, options);
}

/**
 * Whether two numbers round to the same at so many decimals. Of numbers so small that this would leave them fewer than three
 * digits it asks for as many significant digits, unless the precision was asked for: 1e-9 is not 2e-9.
 */
function agreeRounded(a: Rational, b: Rational, { precision, isPrecisionGiven }: PointOptions): boolean {
  const size = compare(abs(a), abs(b)) > 0 ? abs(a) : abs(b);
  const limit = rational(1n, 10n ** BigInt(Math.max(1, precision - 3))) ?? whole(0);
  if (!isPrecisionGiven && size.numerator !== 0n && compare(size, limit) < 0) return nearRationals(a, b, precision);
  return equals(roundTo(a, precision), roundTo(b, precision)) || nearlyEqual(a, b, precision);
}

/** Half a unit of the last decimal kept may fall on two sides of a rounding. */
function nearlyEqual(a: Rational, b: Rational, precision: number): boolean {
  const tolerance = rational(1n, 2n * 10n ** BigInt(precision)) ?? whole(0);
  return compare(abs(subtract(a, b)), tolerance) < 0 && !(isWhole(a) && isWhole(b));
}

/** Whether two numbers agree to so many significant digits. */
function nearRationals(a: Rational, b: Rational, digits: number): boolean {
  const size = compare(abs(a), abs(b)) > 0 ? abs(a) : abs(b);
  const tolerance = { numerator: size.numerator, denominator: size.denominator * 2n * 10n ** BigInt(digits - 1) };
  return compare(abs(subtract(a, b)), tolerance) <= 0;
}

function hasDecimal(tree: Tree): boolean {
  return someTree(tree, (part) => part.type === "number" && part.isDecimal);
}

function hasPlainLog(tree: Tree): boolean {
  return someTree(tree, (part) => part.type === "call" && part.name === "log" && part.args.length === 1);
}

/** Calls that have a value at whole numbers only. */
const WHOLE_CALLS: ReadonlySet<string> = new Set(["factorial", "doubleFactorial", "binomial", "gcd", "lcm", "mod"]);

function needsWholeNumbers(tree: Tree): boolean {
  return someTree(
    tree,
    (part) =>
      (part.type === "call" && WHOLE_CALLS.has(part.name) && freeSymbols(part).length > 0) ||
      (part.type === "series" && freeSymbols({ type: "sum", terms: [part.from, part.to] }).length > 0),
  );
}
