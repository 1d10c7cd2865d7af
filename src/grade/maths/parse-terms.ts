/** @file How parts of a sum or product join: letters that are signs, words that are units, sets that are taken away. */
import type { Cursor } from "./cursor.ts";
import { negated, sumOf, type Tree } from "./tree.ts";
import { FILLERS } from "./vocabulary.ts";

/** Letters between numbers or intervals that stand for a sign: `x` and `U`. */
export function isSignLetter(letter: string, left: Tree, cursor: Cursor): boolean {
  if (left.type === "group") return /^[Uu]$/.test(letter) && (cursor.is("(", 1) || cursor.is("[", 1));
  return /^[xX]$/.test(letter) && left.type === "number" && cursor.peek(1)?.kind === "number";
}

/** `60\frac{\text{km}}{\text{h}}`, `4 (see above)`: words behind a value are no factor. */
export function isUnit(tree: Tree): boolean {
  return tree.type === "text" || (tree.type === "quotient" && isUnit(tree.top));
}

/** A sum with one more term; a difference of sets where something is taken from one. */
export function joined(left: Tree | null, term: Tree, isMinus: boolean): Tree {
  if (left === null) return term;
  const isSet = left.type === "namedSet" || left.type === "setOperation";
  if (!isMinus || !isSet) return sumOf([left, term]);
  return { type: "setOperation", kind: "difference", parts: [left, negated(term)] };
}

/** "7, probably": words that say nothing of the value. */
export function isFiller(tree: Tree): boolean {
  return tree.type === "text" && tree.text.split(" ").every((word) => FILLERS.has(word.toLowerCase()));
}
