/**
 * @file Sets of real numbers, and whether two are the same: both are asked at every point where either may change, between
 * these points and beyond them. So intervals, unions, inequalities and their mixtures compare without being solved.
 */
import { type Complex, fromReal } from "./complex.ts";
import { complexValue, type Scope } from "./complex-value.ts";
import {
  negative,
  ONE,
  order,
  product,
  type Real,
  signOf,
  squareRoot,
  sum,
  difference,
  quotient,
  absolute,
  agree,
  ZERO,
} from "./real.ts";
import { freeSymbols, type RelationOperator, type Tree, type TreeOf } from "./tree.ts";
import type { Work } from "./work.ts";

/** A set of reals: where it may change, and what it holds; null where that is not known. */
export interface Region {
  readonly changes: readonly Real[];
  /** Whether `changes` names every change. */
  readonly isComplete: boolean;
  contains(value: Real): boolean | null;
}

const DIGITS = 50;
const HALF: Real = { mantissa: 1n, exponent: -1 };
/** Places asked in each gap, as shares of it. */
const SHARES: readonly Real[] = [1n, 3n, 5n, 7n].map((mantissa) => ({ mantissa, exponent: -3 }));

/** Whether two regions are the same; null where that cannot be told. */
export function sameRegion(a: Region, b: Region): boolean | null {
  if (!a.isComplete && !b.isComplete) return null;
  const changes = [...a.changes, ...b.changes].sort(order);
  for (const place of placesAround(changes)) {
    const [inA, inB] = [a.contains(place), b.contains(place)];
    if (inA === null || inB === null) return null;
    if (inA !== inB) return false;
  }
  return true;
}

function placesAround(changes: readonly Real[]): Real[] {
  const [low, high] = [changes[0] ?? ZERO, changes.at(-1) ?? ZERO];
  const step = (from: Real, sign: 1 | -1, factor: bigint): Real => {
    const size = sum(absolute(from), ONE) ?? ONE;
    const far = product(size, { mantissa: factor * BigInt(sign), exponent: 0 }) ?? ONE;
    return sum(from, far) ?? from;
  };
  const gaps = changes.slice(1).flatMap((end, index) => {
    const start = changes[index] as Real;
    const width = difference(end, start);
    if (width === null || signOf(width) === 0) return [];
    return SHARES.flatMap((share) => sum(start, product(width, share) ?? ZERO) ?? []);
  });
  return [...changes, ...gaps, step(low, -1, 1n), step(low, -1, 97n), step(high, 1, 1n), step(high, 1, 97n)];
}

/** The region of a tree over one variable, or null where it is none. */
export function regionOf(tree: Tree, work: Work): Region | null {
  switch (tree.type) {
    case "group":
      return intervalOf(tree, work);
    case "set":
      return setRegion(tree, work);
    case "namedSet":
      return tree.name === "reals" ? EVERYTHING : tree.name === "empty" ? NOTHING : null;
    case "setOperation":
      return combine(
        tree.kind,
        tree.parts.map((part) => regionOf(part, work)),
      );
    case "setBuilder":
      return builtRegion(tree, work);
    case "relation":
      return relationRegion(tree, work);
    case "sum":
    case "product":
    case "quotient":
    case "power":
    case "number":
    case "call":
    case "symbol":
      return pointRegion(tree, work);
    default:
      return null;
  }
}

const EVERYTHING: Region = { changes: [], isComplete: true, contains: () => true };
const NOTHING: Region = { changes: [], isComplete: true, contains: () => false };

function scopeOf(work: Work, variable?: { readonly name: string; readonly value: Complex }): Scope {
  const complexes = new Map(variable === undefined ? [] : [[variable.name, variable.value] as const]);
  return { rationals: new Map(), complexes, log: "common", work };
}

/** A real number, or the sign of an infinity; null for anything else. */
function endOf(tree: Tree, work: Work): Real | "low" | "high" | null {
  if (tree.type === "infinity") return "high";
  if (tree.type === "product" && tree.factors.some(({ type }) => type === "infinity")) return "low";
  const value = complexValue(tree, scopeOf(work));
  return value !== null && signOf(value.im) === 0 ? value.re : null;
}

function isSame(a: Real, b: Real): boolean {
  return agree(a, b, DIGITS);
}

function intervalOf({ open, close, items }: TreeOf<"group">, work: Work): Region | null {
  const [first, second, third] = items;
  if (first === undefined || second === undefined || third !== undefined || open === ":") return null;
  const [low, high] = [endOf(first, work), endOf(second, work)];
  if (low === null || high === null || low === "high" || high === "low") return null;
  const [isLowIn, isHighIn] = [open === "[", close === "]"];
  return {
    changes: [low, high].filter((end): end is Real => typeof end !== "string"),
    isComplete: true,
    contains: (value) =>
      (low === "low" || (isSame(value, low) ? isLowIn : order(value, low) > 0)) &&
      (high === "high" || (isSame(value, high) ? isHighIn : order(value, high) < 0)),
  };
}

function pointRegion(tree: Tree, work: Work): Region | null {
  const value = endOf(tree, work);
  if (value === null || typeof value === "string") return null;
  return { changes: [value], isComplete: true, contains: (place) => isSame(place, value) };
}

/** A set of numbers; or of relations, which `and` and `or` join: where they leave nothing out together, `and` is meant. */
function setRegion({ items, isBraced }: TreeOf<"set">, work: Work): Region | null {
  const variables = new Set(items.flatMap((item) => (item.type === "relation" ? freeSymbols(item) : [])));
  if (variables.size > 1) return null;
  const parts = items.map((item) => regionOf(item, work));
  const union = combine("union", parts);
  if (isBraced || union === null || !items.every(({ type }) => type === "relation")) return union;
  return sameRegion(union, EVERYTHING) === true ? combine("intersection", parts) : union;
}

function combine(kind: "union" | "intersection" | "difference", parts: readonly (Region | null)[]): Region | null {
  const regions = parts.filter((part) => part !== null);
  if (regions.length < parts.length || regions.length === 0) return null;
  const decide = (inside: readonly boolean[]): boolean => {
    if (kind === "union") return inside.some(Boolean);
    if (kind === "intersection") return inside.every(Boolean);
    return inside[0] === true && !inside.slice(1).some(Boolean);
  };
  return {
    changes: regions.flatMap(({ changes }) => changes),
    isComplete: regions.every(({ isComplete }) => isComplete),
    contains: (value) => {
      const inside = regions.map((region) => region.contains(value));
      return inside.includes(null) ? null : decide(inside as boolean[]);
    },
  };
}

/** `\{x \in \mathbb{R} : x > 0\}`. */
function builtRegion({ element, conditions }: TreeOf<"setBuilder">, work: Work): Region | null {
  const within = element.type === "relation" ? relationRegion(element, work) : null;
  if (element.type === "relation" && within === null) return null;
  const parts = conditions.map((condition) => regionOf(condition, work));
  return combine("intersection", [...(within === null ? [] : [within]), ...parts]);
}

/** What a relation or a chain of them says of its only variable. */
function relationRegion(relation: TreeOf<"relation">, work: Work): Region | null {
  const { operators, operands } = relation;
  const [first, second] = operands;
  if (operators.length === 1 && operators[0] === "in" && second !== undefined)
    return first?.type === "symbol" ? regionOf(second, work) : null;
  const names = freeSymbols(relation);
  const [name, another] = names;
  if (name === undefined || another !== undefined) return null;
  const parts = operators.map((operator, index) =>
    stepRegion(operator, [operands[index] as Tree, operands[index + 1] as Tree], { name, work }),
  );
  return combine("intersection", parts);
}

function stepRegion(
  operator: RelationOperator,
  [left, right]: readonly [Tree, Tree],
  { name, work }: { readonly name: string; readonly work: Work },
): Region | null {
  if (operator === "in" || operator === "approximate" || operator === "congruent") return null;
  const gap = (value: Real): -1 | 0 | 1 | null => {
    const scope = scopeOf(work, { name, value: fromReal(value) });
    const [a, b] = [complexValue(left, scope), complexValue(right, scope)];
    if (a === null || b === null || signOf(a.im) !== 0 || signOf(b.im) !== 0) return null;
    return isSame(a.re, b.re) ? 0 : order(a.re, b.re);
  };
  const at = (value: Real): Real | null => {
    const scope = scopeOf(work, { name, value: fromReal(value) });
    const [a, b] = [complexValue(left, scope), complexValue(right, scope)];
    return a && b && signOf(a.im) === 0 && signOf(b.im) === 0 ? difference(a.re, b.re) : null;
  };
  const roots = quadraticRoots(at);
  return {
    changes: roots ?? [],
    isComplete: roots !== null,
    contains: (value) => {
      const sign = gap(value);
      // Where a side has no real value nothing is related.
      return sign === null ? (work.isSpent ? null : false) : holds(operator, sign);
    },
  };
}

function holds(operator: RelationOperator, sign: -1 | 0 | 1): boolean {
  switch (operator) {
    case "<":
      return sign < 0;
    case "<=":
      return sign <= 0;
    case ">":
      return sign > 0;
    case ">=":
      return sign >= 0;
    case "!=":
      return sign !== 0;
    default:
      return sign === 0;
  }
}

/** Zeros of a function that is a polynomial of degree 2 at most, by its values; null where it is none. */
function quadraticRoots(at: (value: Real) => Real | null): Real[] | null {
  const real = (mantissa: bigint): Real => ({ mantissa, exponent: 0 });
  const [zero, one, two, three] = [0n, 1n, 2n, 3n].map((value) => at(real(value)));
  const far = at(real(-7n));
  if (!zero || !one || !two || !three || !far) return null;
  const second = minus(minus(two, one), minus(one, zero));
  const a = times(second, HALF);
  const b = minus(minus(one, zero), a);
  const value = (x: Real): Real => plus(zero, times(x, plus(b, times(a, x))));
  const fits = ([x, known]: readonly [bigint, Real]): boolean => near(value(real(x)), known);
  if (
    !(
      [
        [3n, three],
        [-7n, far],
      ] as const
    ).every(fits)
  )
    return null;
  if (near0(a, [zero, b])) return near0(b, [zero]) ? [] : [negative(quotient(zero, b) ?? ZERO)];
  const inside = minus(times(b, b), times(real(4n), times(a, zero)));
  const root = near0(inside, [times(b, b)]) ? ZERO : squareRoot(inside);
  if (root === null) return [];
  return [root, negative(root)].map((part) => quotient(minus(part, b), times(real(2n), a)) ?? ZERO);
}

const plus = (a: Real, b: Real): Real => sum(a, b) ?? ZERO;
const minus = (a: Real, b: Real): Real => difference(a, b) ?? ZERO;
const times = (a: Real, b: Real): Real => product(a, b) ?? ZERO;
const near = (a: Real, b: Real): boolean => isSame(a, b) || near0(minus(a, b), [a, b]);

/** Whether a number is only the rounding of others. */
function near0(value: Real, others: readonly Real[]): boolean {
  const size = others.reduce(
    (largest, other) => (order(absolute(other), largest) > 0 ? absolute(other) : largest),
    ONE,
  );
  return order(absolute(value), { mantissa: size.mantissa, exponent: size.exponent - 180 }) < 0;
}
