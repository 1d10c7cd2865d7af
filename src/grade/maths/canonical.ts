/** @file The canonical form of an answer: one text for every way to write the same value, so that votes can be counted. */
import { assignedValues } from "./assignments.ts";
import {
  addComplex,
  agreeComplex,
  type Complex,
  divideComplex,
  isZero,
  multiplyComplex,
  negateComplex,
} from "./complex.ts";
import { complexValue, type Scope } from "./complex-value.ts";
import { exactValue } from "./exact-value.ts";
import { expandSigns, workOutMatrices } from "./expand.ts";
import { formText } from "./form-text.ts";
import { rationalNear } from "./near-rational.ts";
import { rationalText, whole } from "./rational.ts";
import { type Real, realText, signOf, sizeOf, ZERO } from "./real.ts";
import { regionText } from "./region-text.ts";
import { regionOf } from "./regions.ts";
import { type PointKind, variablesAt } from "./sample-points.ts";
import { numberOfWord, wordsOf } from "./text-answers.ts";
import { freeSymbols, negated, someTree, sumOf, type Tree, type TreeOf } from "./tree.ts";
import type { Work } from "./work.ts";

/** Digits of a value that is not rational. */
const DIGITS = 30;

/** The canonical form. Equal answers of one kind have equal forms; where a value cannot be worked out, the form as written. */
export function canonicalForm(tree: Tree, work: Work): string {
  const items = expandSigns(workOutMatrices(tree));
  if (items.length > 1) return setText(items, work);
  const only = items[0] as Tree;
  switch (only.type) {
    case "text":
      return numberOfWord(only) === null ? (wordsOf(only) ?? "") : canonicalForm(numberOfWord(only) as Tree, work);
    case "set":
      return setText(only.items, work);
    case "group":
      return `${only.open}${only.items.map((item) => canonicalForm(item, work)).join(", ")}${only.close}`;
    case "matrix":
      return `[${only.rows.map((row) => `[${row.map((cell) => canonicalForm(cell, work)).join(", ")}]`).join(", ")}]`;
    case "relation": {
      const [value] = assignedValues(only, freeSymbols(only).length === 0);
      return value === undefined ? relationForm(only, work) : canonicalForm(value, work);
    }
    case "setOperation":
    case "setBuilder":
      return setForm(only, work);
    case "degrees":
      return canonicalForm(only.value, work);
    case "time":
      return formText(only);
    case "namedSet":
      return only.name === "reals" ? setForm(only, work) : formText(only);
    case "infinity":
      return "∞";
    default:
      return valueText(only, work);
  }
}

function setText(items: readonly Tree[], work: Work): string {
  const flat = items.flatMap((item) => expandSigns(item));
  const names = new Set(flat.flatMap((item) => (item.type === "relation" ? [formText(item.operands[0] as Tree)] : [])));
  const text = (item: Tree): string =>
    names.size > 1 && item.type === "relation"
      ? relationText(item.operators, item.operands, work)
      : canonicalForm(item, work);
  const texts = [...new Set(flat.map(text))].sort();
  return texts.length === 1 ? (texts[0] as string) : `{${texts.join(", ")}}`;
}

/** A set of reals as its intervals; any other as it is written, its parts in their canonical forms. */
function setForm(tree: Tree, work: Work): string {
  const region = regionOf(tree, work);
  const text = region && regionText(region);
  if (text !== null) return text;
  if (tree.type !== "setOperation") return formText(tree);
  const parts = tree.parts.map((part) => canonicalForm(part, work));
  return `${tree.kind}(${(tree.kind === "difference" ? parts : parts.sort()).join(", ")})`;
}

/** An inequality in one variable as the set of its solutions; any other relation by its sides. */
function relationForm(relation: TreeOf<"relation">, work: Work): string {
  const symbols = freeSymbols(relation);
  const [name, another] = symbols;
  if (another !== undefined && relation.operators.join() === "=") return equationText(relation, symbols, work);
  const region = name !== undefined && another === undefined ? regionOf(relation, work) : null;
  return (region && regionText(region)) ?? relationText(relation.operators, relation.operands, work);
}

/**
 * An equation in several variables: solved for y where it is linear in y, as `y = 4x + 8` gives a function; else by left minus
 * right at two points over its value at a third, whatever side the terms stand on and however they are scaled.
 */
function equationText({ operators, operands }: TreeOf<"relation">, symbols: readonly string[], work: Work): string {
  const gap = sumOf([operands[0] as Tree, negated(operands[1] as Tree)]);
  const scope: Scope = { rationals: new Map(), complexes: new Map(), log: "common", work };
  const solved = symbols.includes("y") ? solvedForY(gap, symbols, scope) : null;
  if (solved !== null) return solved;
  const [base, ...others] = [0, 3, 5].map((index) =>
    complexValue(gap, { ...scope, ...variablesAt("positive", index, symbols) }),
  );
  const ratios = others.map((value) => base && value && divideComplex(value, base));
  if (ratios.some((ratio) => !ratio)) return relationText(operators, operands, work);
  return `0 = ${functionText(symbols, ratios as Complex[]) ?? ""}`;
}

/** The same text that the right side of `y = ...` has; null where left minus right is not linear in y. */
function solvedForY(gap: Tree, symbols: readonly string[], scope: Scope): string | null {
  const others = symbols.filter((name) => name !== "y");
  const values = (["positive", "complex"] as const).map((kind, index) => {
    const at = (y: number): Complex | null => {
      const { rationals, complexes } = variablesAt(kind, index, others);
      return complexValue(gap, { ...scope, complexes, rationals: new Map([...rationals, ["y", whole(y)]]) });
    };
    const [zero, one, three] = [at(0), at(1), at(3)];
    const slope = zero && one && addComplex(one, negateComplex(zero));
    const step = zero && three && addComplex(three, negateComplex(zero));
    const tripled = slope && multiplyComplex(slope, { re: { mantissa: 3n, exponent: 0 }, im: ZERO });
    if (!zero || !slope || !step || !tripled || isZero(slope) || !agreeComplex(step, tripled, DIGITS)) return null;
    return divideComplex(negateComplex(zero), slope);
  });
  return functionText(others, values);
}

function relationText(operators: readonly string[], operands: readonly Tree[], work: Work): string {
  const texts = operands.map((operand) => canonicalForm(operand, work));
  return texts.map((text, index) => (index === 0 ? text : `${operators[index - 1]} ${text}`)).join(" ");
}

function valueText(tree: Tree, work: Work): string {
  if (tree.type === "product" && tree.factors.some(({ type }) => type === "infinity") && tree.factors.length === 2)
    return tree.factors.some((factor) => factor.type === "number" && factor.value.numerator < 0n) ? "-∞" : "∞";
  const exact = exactValue(tree, new Map(), work);
  if (exact !== null) return rationalText(exact);
  const symbols = freeSymbols(tree);
  const scope: Scope = { rationals: new Map(), complexes: new Map(), log: "common", work };
  if (symbols.length === 0) {
    const value = complexValue(tree, scope);
    return value === null ? formText(tree) : complexText(value);
  }
  if (symbols.length === 1 && tree.type === "symbol") return tree.name;
  return symbolicText(tree, symbols, scope);
}

/** Values at two points behind the variables' names: an identity by another name, too long for a person but never wrong. */
function symbolicText(tree: Tree, symbols: readonly string[], scope: Scope): string {
  const isWhole = someTree(tree, (part) => part.type === "call" && /^(?:factorial|binomial)$/.test(part.name));
  const kinds: readonly PointKind[] = isWhole ? ["whole", "whole"] : ["positive", "complex"];
  const values = kinds.map((kind, index) => complexValue(tree, { ...scope, ...variablesAt(kind, index, symbols) }));
  return functionText(symbols, values) ?? formText(tree);
}

/** Null where a value is missing. */
function functionText(symbols: readonly string[], values: readonly (Complex | null)[]): string | null {
  if (values.some((value) => value === null)) return null;
  const texts = values.map((value) => complexText(value as Complex, 12));
  return `f(${[...symbols].sort().join(", ")})@${texts.join("|")}`;
}

/** A part that is only the other's rounding is left out. */
function complexText(value: Complex, digits = DIGITS): string {
  if (isZero(value)) return "0";
  const isNothing = (part: Real, other: Real): boolean => signOf(part) === 0 || sizeOf(part) < sizeOf(other) - 180;
  if (isNothing(value.im, value.re)) {
    const near = rationalNear(value.re);
    return near === null ? realText(value.re, digits) : rationalText(near);
  }
  const re = isNothing(value.re, value.im) ? "" : realText(value.re, digits);
  const im = realText(value.im, digits);
  return `${re}${re !== "" && !im.startsWith("-") ? "+" : ""}${im}i`;
}
