/** @file What the parts of the parser ask of each other. */
import type { Cursor } from "./cursor.ts";
import type { Token } from "./tokens.ts";
import type { Tree } from "./tree.ts";

/** Between which signs a step is: `|` ends a size; `|` and `:` mean "such that" in a set; `[` ends the interval `]0, 1[`. */
export type Place = "size" | "such-that" | "reversed" | "plain";

/** The rules of an answer, from the loosest to the tightest. */
export interface Grammar {
  readonly cursor: Cursor;
  /** Items up to a closing sign or the end: `1, 2 or 3`. */
  items(): Tree[];
  /** A relation, a set, a value. */
  item(): Tree;
  /** A sum. */
  additive(): Tree;
  /** A product. */
  multiplicative(): Tree;
  /** A signed power. */
  factor(): Tree;
  /** A number, letter, word, command or bracketed part. */
  primary(): Tree;
  /** A value with the signs behind it. */
  postfix(value: Tree): Tree;
  /** A variable of these letters with the subscripts, primes and arguments that follow. */
  name(letters: string): Tree;
  /** Whether a token may begin a value that multiplies what stands before it. */
  startsPrimary(token: Token): boolean;
  /** A LaTeX argument: a group in braces, or one digit, letter or command. */
  argument(): Tree;
  /** The text of a LaTeX argument, without spaces: a subscript's name. */
  argumentText(): string;
  /** A step between signs of a kind, which decide what `|`, `:` and `[` mean in it. */
  within<T>(place: Place, step: () => T): T;
}
