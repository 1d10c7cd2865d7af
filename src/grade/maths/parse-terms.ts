/** @file How parts of a sum or product join: letters that are signs, sets that are taken away, points that have a name. */
import { type Cursor, ParseFailure } from "./cursor.ts";
import { integer, negated, someTree, sumOf, type Tree, type TreeOf } from "./tree.ts";
import { FILLERS } from "./vocabulary.ts";

/** Letters between numbers or intervals that stand for a sign: `x` and `U`. */
export function isSignLetter(letter: string, left: Tree, cursor: Cursor): boolean {
  if (left.type === "group") return /^[Uu]$/.test(letter) && (cursor.is("(", 1) || cursor.is("[", 1));
  return /^[xX]$/.test(letter) && left.type === "number" && cursor.peek(1)?.kind === "number";
}

/** `C_{10}^{3}`, as much of the world writes a binomial; any other power as it stands. */
export function powerOf(base: Tree, exponent: Tree): Tree {
  const from = base.type === "symbol" ? /^C_(\d{1,4})$/.exec(base.name)?.[1] : undefined;
  if (from === undefined || exponent.type !== "number") return { type: "power", base, exponent };
  return { type: "call", name: "binomial", args: [integer(BigInt(from)), exponent] };
}

/** Takes the operator between two sets; `U` between intervals is a union. */
export function setOperator(cursor: Cursor, left: Tree): TreeOf<"setOperation">["kind"] | null {
  if (cursor.take("\\cup") || cursor.take("\\bigcup")) return "union";
  if (cursor.take("\\cap") || cursor.take("\\bigcap")) return "intersection";
  if (cursor.take("\\setminus") || cursor.take("\\backslash")) return "difference";
  const token = cursor.peek();
  const isLetter = token?.kind === "letter" && /^[Uu]$/.test(token.text);
  if (!isLetter || left.type !== "group" || !(cursor.is("(", 1) || cursor.is("[", 1))) return null;
  cursor.skip();
  return "union";
}

/** A sum with one more term; a difference of sets where something is taken from one. */
export function joined(left: Tree | null, term: Tree, isMinus: boolean): Tree {
  if (left === null) return term;
  if (left.type === "text" && !someTree(term, ({ type }) => type === "text"))
    throw new ParseFailure("words before a value");
  const isSet = left.type === "namedSet" || left.type === "setOperation";
  if (!isMinus || !isSet) return sumOf([left, term]);
  return { type: "setOperation", kind: "difference", parts: [left, negated(term)] };
}

/** `A(1, 2)`: a point with its name says what it is. */
export function namedPoint(tree: Tree): Tree {
  const named = (name: string, items: readonly Tree[]): Tree => ({
    type: "relation",
    operators: ["="],
    operands: [
      { type: "symbol", name },
      { type: "group", open: "(", close: ")", items },
    ],
  });
  if (tree.type === "call" && /^[A-Z]/.test(tree.name) && tree.args.length > 1) return named(tree.name, tree.args);
  if (tree.type !== "product" || tree.factors.length !== 2) return tree;
  const [letter, point] = tree.factors;
  const isPoint = point?.type === "group" && point.open === "(" && point.close === ")";
  return letter?.type === "symbol" && /^[A-Z]/.test(letter.name) && isPoint ? named(letter.name, point.items) : tree;
}

/** "7, probably": words that say nothing of the value. */
export function isFiller(tree: Tree): boolean {
  return tree.type === "text" && tree.text.split(" ").every((word) => FILLERS.has(word.toLowerCase()));
}
