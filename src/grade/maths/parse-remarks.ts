/** @file What a writer adds to an answer that is no part of its value: `(about 0.67)`, `(n \\ge 1)`, "where c is a constant". */
import type { Cursor } from "./cursor.ts";
import type { Tree } from "./tree.ts";
import { CONNECTIVES } from "./vocabulary.ts";

const ABOUT =
  /^(?:approximately|approx|about|roughly|around|nearly|rounded|rounds|since|because|see|incl|including)$/iu;

/**
 * Takes a bracket behind a value that holds words, or an approximation: `50 (students)`, `2/3 (approximately 0.667)`; none
 * that may offer another answer: `3 (or 4)`.
 */
export function skipRemark(cursor: Cursor): boolean {
  if (!cursor.is("(")) return false;
  const length = levelLength(cursor, 1);
  if (!cursor.is(")", length + 1)) return false;
  const [first, ...rest] = Array.from({ length }, (_, index) => cursor.peek(index + 1));
  const isAbout = cursor.is("\\approx", 1) || (first?.kind === "word" && ABOUT.test(first.text));
  const isWords = [first, ...rest].every(
    (token) => token?.kind === "word" && !CONNECTIVES.has(token.text.toLowerCase()),
  );
  if (!isAbout && !isWords) return false;
  cursor.skip(length + 2);
  return true;
}

/** `60\frac{\text{km}}{\text{h}}`, `4 (see above)`, `2n - 1 (n \ge 1)`: words and conditions behind a value are no factor. */
export function isRemark(tree: Tree): boolean {
  if (tree.type === "group") return tree.items.slice(0, 1).every(isRemark);
  return tree.type === "text" || tree.type === "relation" || (tree.type === "quotient" && isRemark(tree.top));
}

/** `3 (or x = 4)`: a bracket that holds another answer. */
export function offersAnother(cursor: Cursor): boolean {
  const next = cursor.peek(1);
  return cursor.is("(") && next?.kind === "word" && CONNECTIVES.has(next.text.toLowerCase());
}

const DOTS: ReadonlySet<string> = new Set(["\\ldots", "\\dots", "\\cdots"]);

/** Whether dots stand behind a decimal number: `0.2777...` goes on. */
export function isDotted(cursor: Cursor, value: Tree): boolean {
  const token = cursor.peek();
  return value.type === "number" && value.isDecimal && token?.kind === "command" && DOTS.has(token.text);
}

/** Takes the dots behind a decimal number. */
export function takeDots(cursor: Cursor, value: Tree): boolean {
  const isThere = isDotted(cursor, value);
  if (isThere) cursor.skip();
  return isThere;
}

const CLAUSE = /^(?:where|with|for|such|when|if)$/iu;

/** Takes a clause that ends an answer: "where c is a constant", "for all n"; none that may tell cases or solutions apart. */
export function skipClause(cursor: Cursor): boolean {
  const first = cursor.peek();
  if (first?.kind !== "word" || !CLAUSE.test(first.text)) return false;
  const length = levelLength(cursor, 0);
  for (let ahead = 1; ahead < length; ahead++) {
    const token = cursor.peek(ahead);
    if (cursor.is("=", ahead) || (token?.kind === "word" && /^(?:or|where|with|for|when|if)$/iu.test(token.text)))
      return false;
  }
  cursor.skip(length);
  return true;
}

/** Whether a clause begins here; its first word is no unit. */
export function isClause(cursor: Cursor): boolean {
  const token = cursor.peek();
  return token?.kind === "word" && CLAUSE.test(token.text);
}

/** Tokens from a place up to the sign that closes what is open there, or to the end. */
function levelLength(cursor: Cursor, from: number): number {
  let depth = 0;
  for (let ahead = from; ; ahead++) {
    const token = cursor.peek(ahead);
    if (token === undefined) return ahead - from;
    if (token.kind !== "sign" && token.kind !== "command") continue;
    if (/^(?:[([{]|\\\{)$/.test(token.text)) depth += 1;
    else if (/^(?:[)\]}]|\\\}|\\end)$/.test(token.text) && --depth < 0) return ahead - from;
  }
}
