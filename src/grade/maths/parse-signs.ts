/** @file The signs before a term. */
import type { Cursor } from "./cursor.ts";

/** A term's sign. */
export type Sign = "+" | "-" | "\\pm" | "\\mp";

/** The sign of the term that follows: several minus signs are multiplied out. */
export function readSign(cursor: Cursor, isFirst: boolean): Sign | null {
  if (isFirst && cursor.is("+") && cursor.is("-", 1)) {
    cursor.skip(2);
    return "\\pm";
  }
  if (cursor.is("+") && cursor.is("/", 1) && cursor.is("-", 2)) {
    cursor.skip(3);
    return "\\pm";
  }
  if (cursor.take("\\pm")) return "\\pm";
  if (cursor.take("\\mp")) return "\\mp";
  let sign: "+" | "-" | null = null;
  for (;;) {
    if (cursor.take("+")) sign ??= "+";
    else if (cursor.take("-")) sign = sign === "-" ? "+" : "-";
    else return sign;
  }
}
