/** @file What an answer is once it has been read: a typed tree, as close to what was written as comparing allows. */
import { type Rational, whole } from "./rational.ts";

/** How two sides of a relation stand. `approximate` is an aside of the writer; `in` is membership. */
export type RelationOperator = "=" | "!=" | "<" | ">" | "<=" | ">=" | "approximate" | "in" | "congruent";

/** A part of an answer. */
export type Tree =
  | { readonly type: "number"; readonly value: Rational; readonly isDecimal: boolean }
  | { readonly type: "symbol"; readonly name: string }
  | { readonly type: "infinity" }
  | { readonly type: "sum"; readonly terms: readonly Tree[] }
  | { readonly type: "product"; readonly factors: readonly Tree[] }
  | { readonly type: "quotient"; readonly top: Tree; readonly bottom: Tree }
  | { readonly type: "power"; readonly base: Tree; readonly exponent: Tree }
  /** A known function, or an unknown one by name: then only equal arguments make equal values. */
  | { readonly type: "call"; readonly name: string; readonly args: readonly Tree[] }
  /** A sum or product over a variable from a whole number to another. */
  | {
      readonly type: "series";
      readonly kind: "sum" | "product";
      readonly variable: string;
      readonly from: Tree;
      readonly to: Tree;
      readonly body: Tree;
    }
  | { readonly type: "percent"; readonly value: Tree }
  | { readonly type: "degrees"; readonly value: Tree }
  /** A numeral with its base, such as `11011_2`. */
  | { readonly type: "based"; readonly digits: string; readonly base: number; readonly value: Rational }
  /** Minutes since midnight; without a.m. or p.m. the half of the day is open. */
  | { readonly type: "time"; readonly minutes: number; readonly half: "am" | "pm" | null }
  /** `left ± right`; `∓` has the sign -1. */
  | { readonly type: "plusMinus"; readonly left: Tree | null; readonly right: Tree; readonly sign: 1 | -1 }
  /** Items in brackets: a point, a vector, or with two items perhaps an interval. */
  | { readonly type: "group"; readonly open: string; readonly close: string; readonly items: readonly Tree[] }
  /** A set; without braces it is a plain list such as `1, 2 or 3`. */
  | { readonly type: "set"; readonly items: readonly Tree[]; readonly isBraced: boolean }
  | { readonly type: "namedSet"; readonly name: NamedSet }
  | {
      readonly type: "setOperation";
      readonly kind: "union" | "intersection" | "difference";
      readonly parts: readonly Tree[];
    }
  | { readonly type: "setBuilder"; readonly element: Tree; readonly conditions: readonly Tree[] }
  | { readonly type: "matrix"; readonly rows: readonly (readonly Tree[])[] }
  /** `a < b <= c`: one operator fewer than operands. */
  | { readonly type: "relation"; readonly operators: readonly RelationOperator[]; readonly operands: readonly Tree[] }
  | { readonly type: "text"; readonly text: string };

/** Sets that have a letter of their own. */
export type NamedSet = "reals" | "integers" | "naturals" | "rationals" | "complexes" | "empty";

/** A tree of one type. */
export type TreeOf<T extends Tree["type"]> = Extract<Tree, { type: T }>;

/** A whole number as a tree. */
export function integer(value: bigint | number): TreeOf<"number"> {
  return { type: "number", value: whole(value), isDecimal: false };
}

/** -1 as a tree. */
export const MINUS_ONE: Tree = integer(-1);

/** The opposite; a number's sign goes into the number, so that `-3` is one number. */
export function negated(tree: Tree): Tree {
  if (tree.type === "number") {
    const { numerator, denominator } = tree.value;
    return { ...tree, value: { numerator: -numerator, denominator } };
  }
  if (tree.type === "percent" || tree.type === "degrees") return { ...tree, value: negated(tree.value) };
  return product([MINUS_ONE, tree]);
}

/** A product, without nesting. */
export function product(factors: readonly Tree[]): Tree {
  const flat = factors.flatMap((factor) => (factor.type === "product" ? factor.factors : [factor]));
  return flat.length === 1 ? (flat[0] as Tree) : { type: "product", factors: flat };
}

/** A sum, without nesting. */
export function sumOf(terms: readonly Tree[]): Tree {
  const flat = terms.flatMap((term) => (term.type === "sum" ? term.terms : [term]));
  return flat.length === 1 ? (flat[0] as Tree) : { type: "sum", terms: flat };
}

/** The parts directly below. */
export function childrenOf(tree: Tree): readonly Tree[] {
  switch (tree.type) {
    case "sum":
      return tree.terms;
    case "product":
      return tree.factors;
    case "quotient":
      return [tree.top, tree.bottom];
    case "power":
      return [tree.base, tree.exponent];
    case "call":
      return tree.args;
    case "series":
      return [tree.from, tree.to, tree.body];
    case "percent":
    case "degrees":
      return [tree.value];
    case "plusMinus":
      return tree.left === null ? [tree.right] : [tree.left, tree.right];
    case "group":
    case "set":
      return tree.items;
    case "setOperation":
      return tree.parts;
    case "setBuilder":
      return [tree.element, ...tree.conditions];
    case "matrix":
      return tree.rows.flat();
    case "relation":
      return tree.operands;
    case "number":
    case "symbol":
    case "infinity":
    case "based":
    case "time":
    case "namedSet":
    case "text":
      return [];
    default:
      return tree satisfies never;
  }
}

/** The same tree over other parts, given in the order of {@link childrenOf}. */
export function withChildren(tree: Tree, parts: readonly Tree[]): Tree {
  const [first, second, third] = parts as readonly [Tree, Tree, Tree];
  switch (tree.type) {
    case "sum":
      return { ...tree, terms: parts };
    case "product":
      return { ...tree, factors: parts };
    case "quotient":
      return { ...tree, top: first, bottom: second };
    case "power":
      return { ...tree, base: first, exponent: second };
    case "call":
      return { ...tree, args: parts };
    case "series":
      return { ...tree, from: first, to: second, body: third };
    case "percent":
    case "degrees":
      return { ...tree, value: first };
    case "plusMinus":
      return tree.left === null ? { ...tree, right: first } : { ...tree, left: first, right: second };
    case "group":
    case "set":
      return { ...tree, items: parts };
    case "setOperation":
      return { ...tree, parts };
    case "setBuilder":
      return { ...tree, element: first, conditions: parts.slice(1) };
    case "matrix":
      return { ...tree, rows: regroup(tree.rows, parts) };
    case "relation":
      return { ...tree, operands: parts };
    default:
      return tree;
  }
}

function regroup(rows: readonly (readonly Tree[])[], cells: readonly Tree[]): Tree[][] {
  let next = 0;
  return rows.map((row) => row.map(() => cells[next++] as Tree));
}

/** Every tree with the parts of every tree changed from the leaves up. */
export function mapTree(tree: Tree, change: (tree: Tree) => Tree): Tree {
  const parts = childrenOf(tree);
  return change(
    parts.length === 0
      ? tree
      : withChildren(
          tree,
          parts.map((part) => mapTree(part, change)),
        ),
  );
}

/** Whether a tree or a part of it fulfils a condition. */
export function someTree(tree: Tree, holds: (tree: Tree) => boolean): boolean {
  return holds(tree) || childrenOf(tree).some((part) => someTree(part, holds));
}

/** Letters that stand for numbers unless something binds them. */
const CONSTANT_NAMES: ReadonlySet<string> = new Set(["e", "i", "pi"]);

/** Names of the variables in a tree, in order of appearance; what a sum binds is none, nor are e, i and pi. */
export function freeSymbols(tree: Tree): string[] {
  const names = new Set<string>();
  const visit = (part: Tree, bound: readonly string[]): void => {
    if (part.type === "symbol" && !CONSTANT_NAMES.has(part.name) && !bound.includes(part.name)) names.add(part.name);
    const inner = part.type === "series" ? [...bound, part.variable] : bound;
    for (const child of childrenOf(part)) visit(child, inner);
  };
  visit(tree, []);
  return [...names];
}
