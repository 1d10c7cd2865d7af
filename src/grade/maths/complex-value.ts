/** @file The value of a tree as a complex number to about 60 digits, where it is not rational. */
import {
  addComplex,
  argument,
  type Complex,
  divideComplex,
  exponentialComplex,
  fromReal,
  I,
  logarithmComplex,
  modulus,
  multiplyComplex,
  negateComplex,
  powerComplex,
  sineAndCosineComplex,
  squareRootComplex,
} from "./complex.ts";
import { type Assignment, exactValue, floorOf, MAX_SERIES_TERMS } from "./exact-value.ts";
import { isWhole, type Rational, whole } from "./rational.ts";
import {
  absolute,
  exponential,
  fromRational,
  logarithm,
  ONE,
  PI,
  product,
  quotient,
  type Real,
  signOf,
  sizeOf,
  toRational,
  ZERO,
} from "./real.ts";
import { seededValue } from "./sample-points.ts";
import type { Tree, TreeOf } from "./tree.ts";
import type { Work } from "./work.ts";

/** Values of variables by name; complex ones are approximate, rational ones exact. */
export interface Scope {
  readonly rationals: Assignment;
  readonly complexes: ReadonlyMap<string, Complex>;
  /** Whether only real values count, of every part: then a root of a negative number has none. */
  readonly isRealOnly?: boolean;
  /** What a logarithm without a base means. */
  readonly log: "common" | "natural";
  readonly work: Work;
}

/** A sum this much smaller than its largest term is nothing but rounding. */
const CANCELLED_BITS = 190;
const MAX_FACTORIAL = 10_000n;
const FUNCTION_COST = 60;

/** The value; null where it is not defined, too large, or depends on something without a value. */
export function complexValue(tree: Tree, scope: Scope): Complex | null {
  const value = valueOfPart(tree, scope);
  return scope.isRealOnly && value !== null && signOf(value.im) !== 0 ? null : value;
}

function valueOfPart(tree: Tree, scope: Scope): Complex | null {
  if (!scope.work.spend(2)) return null;
  switch (tree.type) {
    case "number":
    case "based":
      return ofRational(tree.value);
    case "symbol":
      return symbolValue(tree.name, scope);
    case "sum":
      return addAll(tree.terms.map((term) => complexValue(term, scope)));
    case "product":
      return multiplyAll(tree.factors.map((factor) => complexValue(factor, scope)));
    case "quotient":
      return both(complexValue(tree.top, scope), complexValue(tree.bottom, scope), divideComplex);
    case "power":
      return raise(tree, scope);
    case "percent":
      return both(complexValue(tree.value, scope), ofRational(whole(100)), divideComplex);
    case "degrees":
      return both(complexValue(tree.value, scope), HALF_TURN_DEGREE, multiplyComplex);
    case "call":
      return callValue(tree, scope);
    case "series":
      return seriesValue(tree, scope);
    default:
      return null;
  }
}

const ofRational = (value: Rational): Complex | null => {
  const real = fromRational(value);
  return real && fromReal(real);
};
const whole2 = (value: number): Complex => ofRational(whole(value)) as Complex;
const HALF_TURN_DEGREE = fromReal(quotient(PI, fromRational(whole(180)) as Real) as Real);
const EULER = fromReal(exponential(ONE) as Real);
const LN_10 = fromReal(logarithm(fromRational(whole(10)) as Real) as Real);
const QUARTER = fromReal(quotient(PI, fromRational(whole(2)) as Real) as Real);

function symbolValue(name: string, { rationals, complexes }: Scope): Complex | null {
  const rational = rationals.get(name);
  if (rational !== undefined) return ofRational(rational);
  const given = complexes.get(name);
  if (given !== undefined) return given;
  return name === "pi" ? fromReal(PI) : name === "e" ? EULER : name === "i" ? I : null;
}

function both(
  a: Complex | null,
  b: Complex | null,
  operate: (a: Complex, b: Complex) => Complex | null,
): Complex | null {
  return a && b && operate(a, b);
}

/** The sum; parts that are only the rounding of larger terms are 0, so that `\sqrt8-2\sqrt2` is. */
function addAll(terms: readonly (Complex | null)[]): Complex | null {
  let total: Complex | null = null;
  let size = Number.NEGATIVE_INFINITY;
  for (const term of terms) {
    if (term === null) return null;
    size = Math.max(size, sizeOf(term.re), sizeOf(term.im));
    total = total === null ? term : addComplex(total, term);
    if (total === null) return null;
  }
  const clean = (part: Real): Real => (sizeOf(part) < size - CANCELLED_BITS ? ZERO : part);
  return total && { re: clean(total.re), im: clean(total.im) };
}

function multiplyAll(factors: readonly (Complex | null)[]): Complex | null {
  let total: Complex | null = fromReal(ONE);
  for (const factor of factors) total = both(total, factor, multiplyComplex);
  return total;
}

/** Powers; a rational exponent with an odd denominator gives a negative base its real root. */
function raise({ base, exponent }: TreeOf<"power">, scope: Scope): Complex | null {
  const value = complexValue(base, scope);
  if (value === null) return null;
  const exact = exactValue(exponent, scope.rationals, scope.work);
  if (exact === null) {
    if (!scope.work.spend(3 * FUNCTION_COST)) return null;
    return both(value, complexValue(exponent, scope), powerComplex);
  }
  if (isWhole(exact)) return wholePower(value, exact.numerator, scope.work);
  const isHalf = exact.denominator === 2n && exact.numerator < 64n && exact.numerator > -64n;
  if (!scope.work.spend(isHalf ? 10 : 3 * FUNCTION_COST)) return null;
  if (isHalf) return both(squareRootComplex(value), whole2(1), (root) => wholePower(root, exact.numerator, scope.work));
  const isReal = signOf(value.im) === 0;
  if (!isReal || signOf(value.re) >= 0 || exact.denominator % 2n === 0n)
    return both(value, ofRational(exact), powerComplex);
  const root = both(fromReal(absolute(value.re)), ofRational(exact), powerComplex);
  return root && exact.numerator % 2n !== 0n ? negateComplex(root) : root;
}

function wholePower(base: Complex, exponent: bigint, work: Work): Complex | null {
  if (exponent < 0n) return both(whole2(1), wholePower(base, -exponent, work), divideComplex);
  let result: Complex | null = whole2(1);
  let square: Complex | null = base;
  for (let left = exponent; left > 0n && result !== null; left >>= 1n) {
    if (!work.spend(2)) return null;
    if (left % 2n === 1n) result = both(result, square, multiplyComplex);
    if (left > 1n) square = both(square, square, multiplyComplex);
  }
  return result;
}

type Operate = (values: readonly Complex[], scope: Scope) => Complex | null;

const one =
  (operate: (value: Complex) => Complex | null): Operate =>
  ([value]) =>
    value === undefined ? null : operate(value);
const sine = (value: Complex): Complex | null => sineAndCosineComplex(value)?.sine ?? null;
const cosine = (value: Complex): Complex | null => sineAndCosineComplex(value)?.cosine ?? null;
const inverse = (value: Complex | null): Complex | null => both(whole2(1), value, divideComplex);
const tangent = (value: Complex): Complex | null => both(sine(value), cosine(value), divideComplex);
const minus = (a: Complex | null, b: Complex | null): Complex | null => addAll([a, b && negateComplex(b)]);
const times = (a: Complex | null, b: Complex | null): Complex | null => both(a, b, multiplyComplex);

/** -i ln(iz + sqrt(1 - z^2)). */
function arcSine(value: Complex): Complex | null {
  const root = minus(whole2(1), times(value, value));
  const inner = addAll([times(I, value), root && squareRootComplex(root)]);
  return times(negateComplex(I), inner && logarithmComplex(inner));
}

/** (i/2)(ln(1 - iz) - ln(1 + iz)). */
function arcTangentComplex(value: Complex): Complex | null {
  const turned = times(I, value);
  const [low, high] = [minus(whole2(1), turned), addAll([whole2(1), turned])];
  const gap = minus(low && logarithmComplex(low), high && logarithmComplex(high));
  return times(both(I, whole2(2), divideComplex), gap);
}

function hyperbolic(value: Complex, sign: 1 | -1): Complex | null {
  const [up, down] = [exponentialComplex(value), exponentialComplex(negateComplex(value))];
  return both(sign === 1 ? addAll([up, down]) : minus(up, down), whole2(2), divideComplex);
}

function logarithmOf([value, base]: readonly Complex[], { log }: Scope): Complex | null {
  const top = value && logarithmComplex(value);
  const bottom = base === undefined ? (log === "natural" ? whole2(1) : LN_10) : logarithmComplex(base);
  return both(top ?? null, bottom, divideComplex);
}

const CALLS: ReadonlyMap<string, Operate> = new Map<string, Operate>([
  ["sin", one(sine)],
  ["cos", one(cosine)],
  ["tan", one(tangent)],
  ["cot", one((value) => both(cosine(value), sine(value), divideComplex))],
  ["sec", one((value) => inverse(cosine(value)))],
  ["csc", one((value) => inverse(sine(value)))],
  ["arcsin", one(arcSine)],
  ["arccos", one((value) => minus(QUARTER, arcSine(value)))],
  ["arctan", one(arcTangentComplex)],
  ["arccot", one((value) => minus(QUARTER, arcTangentComplex(value)))],
  ["sinh", one((value) => hyperbolic(value, -1))],
  ["cosh", one((value) => hyperbolic(value, 1))],
  ["tanh", one((value) => both(hyperbolic(value, -1), hyperbolic(value, 1), divideComplex))],
  ["exp", one(exponentialComplex)],
  ["ln", one(logarithmComplex)],
  ["lg", one((value) => both(logarithmComplex(value), LN_10, divideComplex))],
  ["log", logarithmOf],
  ["abs", one((value) => ofReal(modulus(value)))],
  ["floor", one((value) => roundedDown(value))],
  ["ceil", one((value) => negatedOrNull(roundedDown(negateComplex(value))))],
  ["re", one(({ re }) => fromReal(re))],
  ["im", one(({ im }) => fromReal(im))],
  ["arg", one((value) => ofReal(argument(value)))],
  ["sign", one(({ re, im }) => (signOf(im) === 0 ? whole2(signOf(re)) : null))],
  ["max", (values) => extreme(values, 1)],
  ["min", (values) => extreme(values, -1)],
]);

const negatedOrNull = (value: Complex | null): Complex | null => value && negateComplex(value);

/** The whole number at or below a real. */
function roundedDown({ re, im }: Complex): Complex | null {
  const exact = signOf(im) === 0 ? toRational(re) : null;
  return exact && ofRational(whole(floorOf(exact)));
}

const ofReal = (value: Real | null): Complex | null => value && fromReal(value);

function extreme(values: readonly Complex[], direction: 1 | -1): Complex | null {
  let best: Complex | null = null;
  for (const value of values) {
    if (signOf(value.im) !== 0) return null;
    const gap: Complex | null = best && addComplex(value, negateComplex(best));
    if (best === null || (gap !== null && signOf(gap.re) === direction)) best = value;
  }
  return best;
}

/** Calls whose value is known only where {@link exactValue} knows it. */
const WHOLE_ONLY: ReadonlySet<string> = new Set(["gcd", "lcm", "mod", "doubleFactorial", "det", "norm"]);

function callValue(call: TreeOf<"call">, scope: Scope): Complex | null {
  const exact = exactValue(call, scope.rationals, scope.work);
  if (exact !== null) return ofRational(exact);
  if (call.name === "factorial") return largeFactorial(call, scope);
  if (WHOLE_ONLY.has(call.name) || call.name === "binomial") return null;
  if (!scope.work.spend(FUNCTION_COST)) return null;
  const values: Complex[] = [];
  for (const arg of call.args) {
    const value = complexValue(arg, scope);
    if (value === null) return null;
    values.push(value);
  }
  const operate = CALLS.get(call.name);
  return operate === undefined ? opaqueValue(call.name, values) : operate(values, scope);
}

function largeFactorial({ args }: TreeOf<"call">, scope: Scope): Complex | null {
  const [arg] = args;
  const n = arg && exactValue(arg, scope.rationals, scope.work);
  if (!n || !isWhole(n) || n.numerator < 0n || n.numerator > MAX_FACTORIAL) return null;
  if (!scope.work.spend(Number(n.numerator))) return null;
  let total: Real | null = ONE;
  for (let k = 2n; k <= n.numerator && total !== null; k++) total = product(total, { mantissa: k, exponent: 0 });
  return ofReal(total);
}

/** A function that nobody knows: a smooth one drawn by its name, so that equal arguments alone give equal values. */
function opaqueValue(name: string, values: readonly Complex[]): Complex | null {
  const inner = addAll([
    ofRational(seededValue(`${name}/0`)),
    ...values.map((value, index) => times(value, ofRational(seededValue(`${name}/${index + 1}`)))),
  ]);
  const square = times(inner, inner);
  return addAll([inner, square, both(whole2(1), addAll([square, whole2(7)]), divideComplex)]);
}

function seriesValue(series: TreeOf<"series">, scope: Scope): Complex | null {
  const from = exactValue(series.from, scope.rationals, scope.work);
  const to = exactValue(series.to, scope.rationals, scope.work);
  if (from && to && isWhole(from) && isWhole(to) && to.numerator - from.numerator < MAX_SERIES_TERMS) {
    const terms: (Complex | null)[] = [];
    for (let k = from.numerator; k <= to.numerator; k++) {
      const rationals = new Map([...scope.rationals, [series.variable, whole(k)]]);
      terms.push(complexValue(series.body, { ...scope, rationals }));
      if (terms.at(-1) === null) return null;
    }
    if (terms.length === 0) return whole2(series.kind === "sum" ? 0 : 1);
    return series.kind === "sum" ? addAll(terms) : multiplyAll(terms);
  }
  const bound = new Map([...scope.rationals, [series.variable, seededValue("bound variable")]]);
  const parts = [
    complexValue(series.from, scope),
    series.to.type === "infinity" ? whole2(12_345) : complexValue(series.to, scope),
    complexValue(series.body, { ...scope, rationals: bound }),
  ];
  return parts.every((part) => part !== null) ? opaqueValue(`series-${series.kind}`, parts) : null;
}
