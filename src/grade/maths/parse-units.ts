/** @file What may stand behind a value: percent, degrees, millions, and units, which are no part of it. */
import { type Cursor, ParseFailure } from "./cursor.ts";
import type { Grammar } from "./grammar.ts";
import { isClause } from "./parse-remarks.ts";
import { integer, product, someTree, type Tree } from "./tree.ts";
import { CONNECTIVES, DEGREE_WORDS, PERCENT_WORDS, SCALES, UNIT_LETTERS } from "./vocabulary.ts";

const NOT_VALUES: ReadonlySet<Tree["type"]> = new Set(["text", "relation"]);

/** The value with the words behind it taken in, or null where there are none. */
export function readUnits({ cursor }: Grammar, value: Tree): Tree | null {
  const token = cursor.peek();
  if (NOT_VALUES.has(value.type)) return null;
  if (token?.kind === "command" && token.text === "\\dollar") {
    cursor.skip();
    return value;
  }
  // "7 sec", "10 min": words that are functions elsewhere, where nothing that could be an argument follows.
  const isFunctionUnit = token?.kind === "function" && /^(?:sec|min|deg)$/.test(token.text) && !hasArgument(cursor);
  if (token?.kind !== "word" && !isFunctionUnit) return null;
  const word = token.text.toLowerCase();
  if (CONNECTIVES.has(word) || /^(?:is|equals?)$/.test(word) || isClause(cursor)) return null;
  // "I do" before "not know" is no value: letters alone have a unit only where LaTeX says that it is text.
  if (token.kind === "word" && !token.isText && !hasNumber(value)) throw new ParseFailure("words behind letters");
  cursor.skip();
  if (PERCENT_WORDS.has(word)) return { type: "percent", value };
  if (DEGREE_WORDS.has(word)) return { type: "degrees", value };
  const scale = SCALES.get(word);
  if (scale !== undefined) return product([value, integer(scale)]);
  dropUnit(cursor);
  return value;
}

function hasNumber(tree: Tree): boolean {
  return someTree(tree, ({ type }) => type === "number" || type === "based" || type === "infinity");
}

function hasArgument(cursor: Cursor): boolean {
  const next = cursor.peek(1);
  return (
    next !== undefined && (next.kind === "letter" || next.kind === "number" || cursor.is("(", 1) || cursor.is("{", 1))
  );
}

/** The rest of `miles per hour`, `cm^2`, `m/s`: words, powers and quotients of words. */
function dropUnit(cursor: Cursor): void {
  for (;;) {
    const [token, next] = [cursor.peek(), cursor.peek(1)];
    if (token === undefined) return;
    const isWord = token.kind === "word" && !CONNECTIVES.has(token.text.toLowerCase()) && !isClause(cursor);
    const isOperator = cursor.is("/") || cursor.is("\\cdot") || cursor.is("\\times");
    // `\mathrm{~km}/\mathrm{h}` has a space before its hours, of which no letter but that of a unit may be part.
    const isUnitNext = next?.kind === "word" || (next?.kind === "letter" && UNIT_LETTERS.has(next.text));
    const joins = isOperator && isUnitNext ? true : (isOperator || cursor.is("-")) && next?.isSpaced === false;
    if (isWord) cursor.skip();
    else if (cursor.is("^")) skipPower(cursor);
    else if (joins && (next?.kind === "word" || next?.kind === "letter")) cursor.skip(2);
    else return;
  }
}

function skipPower(cursor: Cursor): void {
  cursor.skip();
  if (!cursor.take("{")) {
    cursor.take("-");
    cursor.skip();
    return;
  }
  while (!cursor.isAtEnd && !cursor.take("}")) cursor.skip();
}
