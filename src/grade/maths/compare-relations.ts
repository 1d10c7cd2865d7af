/** @file Whether two relations say the same: `x \le 1` and `-x \ge -1`, `2x + 4y = 3` and `y = \frac34 - \frac x2`. */
import {
  addComplex,
  agreeComplex,
  type Complex,
  divideComplex,
  isZero,
  multiplyComplex,
  negateComplex,
} from "./complex.ts";
import { complexValue } from "./complex-value.ts";
import { regionOf, sameRegion } from "./regions.ts";
import { signOf, ZERO } from "./real.ts";
import { POINTS, rationalAt, variablesAt } from "./sample-points.ts";
import { freeSymbols, mapTree, negated, type RelationOperator, sumOf, type Tree, type TreeOf } from "./tree.ts";
import { isEquation } from "./assignments.ts";
import type { Work } from "./work.ts";

type Relation = TreeOf<"relation">;

/** What comparing relations needs of its surroundings. */
export interface RelationContext {
  readonly work: Work;
  /** Whether two operands are the same. */
  readonly isSame: (gold: Tree, pred: Tree) => boolean;
}

const FLIPPED: Readonly<Record<RelationOperator, RelationOperator>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  ">": "<",
  "<=": ">=",
  ">=": "<=",
  approximate: "approximate",
  in: "in",
  congruent: "congruent",
};

const DIGITS = 50;
const MIN_POINTS = 3;

/** The rule by which two relations are the same, or null. */
export function compareRelations(gold: Relation, pred: Relation, context: RelationContext): string | null {
  const { isSame } = context;
  const [a, b] = [shortened(gold), shortened(pred)];
  const [numberA, numberB] = [namedNumber(a), namedNumber(b)];
  if (numberA !== null && numberB !== null)
    return numberA.name === numberB.name && isSame(numberA.value, numberB.value) ? "relation-sides" : null;
  if (sideBySide(a, b, context) || sideBySide(a, reversed(b), context)) return "relation-sides";
  if (a.operators.length === 1 && b.operators.length === 1) {
    if (isProportional(a, b, context.work)) return "relation-scaled";
    if (isSolvedFor(a, b, context.work) || isSolvedFor(b, a, context.work)) return "relation-solved";
  }
  const isOneVariable = freeSymbols(a).length === 1 && freeSymbols(a).join() === freeSymbols(b).join();
  if (!isOneVariable) return null;
  const [regionA, regionB] = [regionOf(a, context.work), regionOf(b, context.work)];
  return regionA && regionB && sameRegion(regionA, regionB) === true ? "relation-region" : null;
}

/** `x = 5`: of these long lists are made, and nothing has to be solved to compare two. */
function namedNumber({ operators, operands: [first, second] }: Relation): { name: string; value: Tree } | null {
  const isPlain = operators.join() === "=" && first?.type === "symbol" && second?.type === "number";
  return isPlain ? { name: first.name, value: second } : null;
}

/** A chain of equations says that its ends are equal; approximations say nothing. */
function shortened(relation: Relation): Relation {
  if (!isEquation(relation)) return relation;
  const { operators, operands } = relation;
  const exact = operands.filter((_, index) => index === 0 || operators[index - 1] !== "approximate");
  const [first, last] = [exact[0] as Tree, exact.at(-1) as Tree];
  return exact.length < 2 ? relation : { type: "relation", operators: ["="], operands: [first, last] };
}

function reversed({ operators, operands }: Relation): Relation {
  return {
    type: "relation",
    operators: [...operators].reverse().map((operator) => FLIPPED[operator]),
    operands: [...operands].reverse(),
  };
}

function sideBySide(a: Relation, b: Relation, { isSame }: RelationContext): boolean {
  if (a.operators.join() !== b.operators.join() || a.operators[0] === "in") {
    const isIn = a.operators.join() === "in" && b.operators.join() === "in";
    return isIn && a.operands.every((operand, index) => isSame(operand, b.operands[index] as Tree));
  }
  return a.operands.every((operand, index) => isSame(operand, b.operands[index] as Tree));
}

function gapOf({ operands }: Relation): Tree {
  return sumOf([operands[0] as Tree, negated(operands[1] as Tree)]);
}

/** Whether left minus right of one is a constant multiple of the other's, with the sign that the operators ask for. */
function isProportional(a: Relation, b: Relation, work: Work): boolean {
  const [operatorA, operatorB] = [a.operators[0] as RelationOperator, b.operators[0] as RelationOperator];
  const isSymmetric = operatorA === "=" || operatorA === "!=";
  if (operatorA !== operatorB && operatorA !== FLIPPED[operatorB]) return false;
  const [gapA, gapB] = [gapOf(a), gapOf(b)];
  const symbols = [...new Set([...freeSymbols(gapA), ...freeSymbols(gapB)])];
  let ratio: Complex | null = null;
  let met = 0;
  for (const index of POINTS.keys()) {
    const [x, y] = [valueAt(gapA, symbols, index, work), valueAt(gapB, symbols, index, work)];
    if (x === null || y === null) continue;
    if (isZero(x) !== isZero(y)) return false;
    const next: Complex | null = isZero(x) ? null : divideComplex(x, y);
    if (next === null) continue;
    if (ratio !== null && !agreeComplex(ratio, next, DIGITS)) return false;
    ratio ??= next;
    met += 1;
  }
  if (ratio === null || met < Math.min(MIN_POINTS, symbols.length === 0 ? 1 : MIN_POINTS)) return false;
  if (isSymmetric) return true;
  if (signOf(ratio.im) !== 0 && !agreeComplex({ re: ratio.re, im: ZERO }, ratio, DIGITS)) return false;
  return signOf(ratio.re) > 0 ? operatorA === operatorB : operatorA === FLIPPED[operatorB];
}

function valueAt(tree: Tree, symbols: readonly string[], index: number, work: Work): Complex | null {
  return complexValue(tree, { ...variablesAt(POINTS[index] ?? "positive", index, symbols), log: "common", work });
}

/**
 * Whether `solved` is an equation `y = expression` without y on its right, and putting the expression for y into the other
 * one makes it true everywhere, where the other is linear in y: else solutions might have been lost.
 */
function isSolvedFor(equation: Relation, solved: Relation, work: Work): boolean {
  if (!isEquation(equation) || !isEquation(solved)) return false;
  const [left, right] = solved.operands as readonly [Tree, Tree];
  const [name, expression] =
    left.type === "symbol" ? [left.name, right] : right.type === "symbol" ? [right.name, left] : ["", right];
  if (name === "" || freeSymbols(expression).includes(name)) return false;
  const gap = gapOf(equation);
  const put = mapTree(gap, (part) => (part.type === "symbol" && part.name === name ? expression : part));
  const symbols = freeSymbols(gap);
  if (!symbols.includes(name)) return false;
  let met = 0;
  for (const index of POINTS.keys()) {
    const value = valueAt(put, symbols, index, work);
    if (value === null) continue;
    if (!isZero(value)) return false;
    met += 1;
  }
  return met >= MIN_POINTS && isLinearIn(gap, name, work);
}

function isLinearIn(gap: Tree, name: string, work: Work): boolean {
  const symbols = freeSymbols(gap).filter((symbol) => symbol !== name);
  const rationals = new Map(symbols.map((symbol) => [symbol, rationalAt("positive", 0, symbol)]));
  const at = (value: bigint): Complex | null => {
    const complexes = new Map([[name, { re: { mantissa: value, exponent: 0 }, im: ZERO }]]);
    return complexValue(gap, { rationals, complexes, log: "common", work });
  };
  const [zero, one, two, five] = [at(0n), at(1n), at(2n), at(5n)];
  if (!zero || !one || !two || !five) return false;
  const step = minus(one, zero);
  const scale = (factor: bigint): Complex | null => step && times(step, factor);
  const [toTwo, toFive] = [scale(2n), scale(5n)];
  if (!step || !toTwo || !toFive || isZero(step)) return false;
  return [
    [minus(two, zero), toTwo],
    [minus(five, zero), toFive],
  ].every(([a, b]) => a && b && agreeComplex(a, b, DIGITS));
}

function minus(a: Complex, b: Complex): Complex | null {
  return addComplex(a, negateComplex(b));
}

function times(value: Complex, factor: bigint): Complex | null {
  return multiplyComplex(value, { re: { mantissa: factor, exponent: 0 }, im: ZERO });
}
