/** @file The exact rational value of a tree, where it has one. */
import {
  add,
  bitLength,
  compare,
  divide,
  exactRoot,
  isWhole,
  multiply,
  negate,
  power,
  type Rational,
  whole,
} from "./rational.ts";
import type { Tree, TreeOf } from "./tree.ts";
import type { Work } from "./work.ts";

/** Values of variables by name. */
export type Assignment = ReadonlyMap<string, Rational>;

/** Largest argument of an exact factorial. */
const MAX_EXACT_FACTORIAL = 400n;
/** Most terms of a sum or product that is worked out. */
export const MAX_SERIES_TERMS = 1_000n;
/** Larger numbers go on as approximations. */
const MAX_BITS = 16_384;

/** The value, or null where it is not rational, not defined, too large, or depends on something without a value. */
export function exactValue(tree: Tree, variables: Assignment, work: Work): Rational | null {
  if (!work.spend(1)) return null;
  switch (tree.type) {
    case "number":
    case "based":
      return tree.value;
    case "symbol":
      return variables.get(tree.name) ?? null;
    case "sum":
      return fold(tree.terms, add, { variables, work });
    case "product":
      return fold(tree.factors, multiply, { variables, work });
    case "quotient":
      return both(tree.top, tree.bottom, { variables, work }, divide);
    case "power":
      return both(tree.base, tree.exponent, { variables, work }, rationalPower);
    case "percent": {
      const value = exactValue(tree.value, variables, work);
      return value && divide(value, whole(100));
    }
    case "call":
      return exactCall(tree, variables, work);
    case "series":
      return exactSeries(tree, variables, work);
    default:
      return null;
  }
}

interface Scope {
  readonly variables: Assignment;
  readonly work: Work;
}

function both(
  first: Tree,
  second: Tree,
  { variables, work }: Scope,
  operate: (a: Rational, b: Rational) => Rational | null,
): Rational | null {
  const a = exactValue(first, variables, work);
  const b = a && exactValue(second, variables, work);
  return a && b && bounded(operate(a, b));
}

function fold(
  parts: readonly Tree[],
  operate: (a: Rational, b: Rational) => Rational,
  { variables, work }: Scope,
): Rational | null {
  let total: Rational | null = null;
  for (const part of parts) {
    const value = exactValue(part, variables, work);
    total = value && (total === null ? value : bounded(operate(total, value)));
    if (total === null) return null;
  }
  return total;
}

function bounded(value: Rational | null): Rational | null {
  if (value === null) return null;
  return bitLength(value.numerator) + bitLength(value.denominator) > MAX_BITS ? null : value;
}

/** The rational power if there is one; of a negative base only odd roots, which are real. */
function rationalPower(base: Rational, exponent: Rational): Rational | null {
  if (exponent.numerator === 0n) return whole(1);
  if (isWhole(exponent)) return power(base, exponent.numerator);
  if (exponent.denominator > 64n) return null;
  const root = exactRoot(base, exponent.denominator);
  return root && power(root, exponent.numerator);
}

function exactCall({ name, args }: TreeOf<"call">, variables: Assignment, work: Work): Rational | null {
  const operate = CALLS.get(name);
  if (operate === undefined) return null;
  const values: Rational[] = [];
  for (const arg of args) {
    const value = exactValue(arg, variables, work);
    if (value === null) return null;
    values.push(value);
  }
  return operate(values);
}

const CALLS: ReadonlyMap<string, (values: readonly Rational[]) => Rational | null> = new Map([
  ["abs", one((value) => (value.numerator < 0n ? negate(value) : value))],
  ["floor", one((value) => whole(floorOf(value)))],
  ["ceil", one((value) => whole(-floorOf(negate(value))))],
  ["sign", one((value) => whole(value.numerator > 0n ? 1 : value.numerator < 0n ? -1 : 0))],
  ["factorial", one((value) => factorial(value))],
  ["doubleFactorial", one((value) => factorial(value, 2n))],
  ["re", one((value) => value)],
  ["im", one(() => whole(0))],
  ["binomial", ([n, k]) => (n && k ? binomial(n, k) : null)],
  ["mod", ([a, n]) => (a && n && isWhole(a) && isWhole(n) ? remainder(a.numerator, n.numerator) : null)],
  ["gcd", (values) => foldWhole(values, gcd)],
  ["lcm", (values) => foldWhole(values, (a, b) => (a === 0n || b === 0n ? 0n : (a * b) / gcd(a, b)))],
  ["max", (values) => extreme(values, 1)],
  ["min", (values) => extreme(values, -1)],
]);

function one(operate: (value: Rational) => Rational | null): (values: readonly Rational[]) => Rational | null {
  return ([value, second]) => (value === undefined || second !== undefined ? null : operate(value));
}

/** The whole number at or below a rational. */
export function floorOf({ numerator, denominator }: Rational): bigint {
  const quotient = numerator / denominator;
  return numerator < 0n && quotient * denominator !== numerator ? quotient - 1n : quotient;
}

function factorial(value: Rational, step = 1n): Rational | null {
  if (!isWhole(value) || value.numerator < 0n || value.numerator > MAX_EXACT_FACTORIAL) return null;
  let product = 1n;
  for (let k = value.numerator; k > 1n; k -= step) product *= k;
  return whole(product);
}

function binomial(n: Rational, k: Rational): Rational | null {
  if (!isWhole(n) || !isWhole(k) || n.numerator < 0n || n.numerator > 10_000n) return null;
  if (k.numerator < 0n || k.numerator > n.numerator) return whole(0);
  const fewer = k.numerator * 2n > n.numerator ? n.numerator - k.numerator : k.numerator;
  if (fewer > MAX_EXACT_FACTORIAL) return null;
  let product = 1n;
  for (let i = 1n; i <= fewer; i++) product = (product * (n.numerator - fewer + i)) / i;
  return whole(product);
}

/** The residue of the divisor's sign; null for 0 as divisor. */
function remainder(value: bigint, divisor: bigint): Rational | null {
  return divisor === 0n ? null : whole(((value % divisor) + divisor) % divisor);
}

function foldWhole(values: readonly Rational[], operate: (a: bigint, b: bigint) => bigint): Rational | null {
  if (values.length === 0 || !values.every(isWhole)) return null;
  return whole(values.map(({ numerator }) => (numerator < 0n ? -numerator : numerator)).reduce(operate));
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

function extreme(values: readonly Rational[], direction: 1 | -1): Rational | null {
  let best: Rational | null = null;
  for (const value of values) if (best === null || compare(value, best) === direction) best = value;
  return best;
}

function exactSeries(series: TreeOf<"series">, variables: Assignment, work: Work): Rational | null {
  const from = exactValue(series.from, variables, work);
  const to = exactValue(series.to, variables, work);
  if (!from || !to || !isWhole(from) || !isWhole(to) || to.numerator - from.numerator >= MAX_SERIES_TERMS) return null;
  let total: Rational | null = whole(series.kind === "sum" ? 0 : 1);
  for (let k = from.numerator; k <= to.numerator && total !== null; k++) {
    const term = exactValue(series.body, new Map([...variables, [series.variable, whole(k)]]), work);
    total = term && bounded((series.kind === "sum" ? add : multiply)(total, term));
  }
  return total;
}
