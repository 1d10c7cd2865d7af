/** @file Mixed numbers: `3\\frac12`, `3 1/2`. */
import { type Cursor, ParseFailure } from "./cursor.ts";
import type { Grammar } from "./grammar.ts";
import { compare, isWhole } from "./rational.ts";
import { sumOf, type Tree } from "./tree.ts";

/** `3\frac12`, `3 1/2`: a whole number before a proper fraction of whole numbers is added to it; null for anything else. */
export function mixedNumber(grammar: Grammar, left: Tree): Tree | null {
  const { cursor } = grammar;
  if (left.type !== "number" || left.isDecimal || !isWhole(left.value) || left.value.numerator < 0n) return null;
  const place = cursor.place;
  const next = cursor.peek();
  if (next?.kind === "number" && !next.isSpaced) throw new ParseFailure("two numbers in a row");
  if (next?.kind !== "number" && !cursor.is("\\frac")) return null;
  const fraction = next?.kind === "number" ? plainFraction(cursor) : grammar.primary();
  if (fraction === null) throw new ParseFailure("two numbers in a row");
  if (fraction.type === "quotient" && isProper(fraction.top, fraction.bottom)) return sumOf([left, fraction]);
  cursor.returnTo(place);
  if (next?.kind === "number") throw new ParseFailure("two numbers in a row");
  return null;
}

function plainFraction(cursor: Cursor): Tree | null {
  const [top, bottom] = [cursor.peek(), cursor.peek(2)];
  if (top?.kind !== "number" || !cursor.is("/", 1) || bottom?.kind !== "number") return null;
  cursor.skip(3);
  const of = ({ value, isDecimal }: typeof top): Tree => ({ type: "number", value, isDecimal });
  return { type: "quotient", top: of(top), bottom: of(bottom) };
}

function isProper(top: Tree, bottom: Tree): boolean {
  if (top.type !== "number" || bottom.type !== "number") return false;
  const areWhole = isWhole(top.value) && isWhole(bottom.value) && !top.isDecimal && !bottom.isDecimal;
  return areWhole && top.value.numerator > 0n && compare(top.value, bottom.value) < 0;
}
