/** @file `\begin{...}`: matrices, and environments that only align what they hold. */
import { ParseFailure } from "./cursor.ts";
import type { Grammar } from "./grammar.ts";
import type { Tree } from "./tree.ts";

const MATRICES: ReadonlySet<string> = new Set(
  "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array".split(" "),
);
/** More rows, or cells in a row, than an answer has. */
const MAX_SIDE = 32;

/** Reads an environment behind its `\begin`. */
export function readEnvironment(grammar: Grammar): Tree {
  const { cursor } = grammar;
  const name = grammar.argumentText().replace("*", "");
  if (name === "array" && cursor.is("{")) grammar.argumentText();
  if (MATRICES.has(name)) {
    const rows = readRows(grammar);
    takeEnd(grammar);
    const matrix: Tree = { type: "matrix", rows };
    return name === "vmatrix" ? { type: "call", name: "det", args: [matrix] } : matrix;
  }
  if (name === "cases") {
    const rows = readRows(grammar);
    takeEnd(grammar);
    return rows.every((row) => row.length === 1)
      ? { type: "set", items: rows.flat(), isBraced: false }
      : { type: "call", name: "cases", args: rows.flat() };
  }
  const items = grammar.within("plain", () => grammar.items());
  takeEnd(grammar);
  const [only] = items;
  if (only === undefined) throw new ParseFailure(`an empty ${name}`);
  return items.length === 1 ? only : { type: "set", items, isBraced: false };
}

function takeEnd(grammar: Grammar): void {
  grammar.cursor.expect("\\end");
  grammar.argumentText();
}

function readRows(grammar: Grammar): Tree[][] {
  const { cursor } = grammar;
  const rows: Tree[][] = [];
  while (!cursor.is("\\end")) {
    if (cursor.isAtEnd) throw new ParseFailure("a matrix that does not end");
    if (cursor.take("\\\\") || cursor.take("\\cr")) continue;
    const row: Tree[] = [];
    do {
      while (cursor.take("\\quad")); // space before a cell
      row.push(grammar.item());
      while (cursor.take("\\quad") || cursor.take(",")); // `1, & \text{if } x > 0`
    } while (cursor.take("&"));
    rows.push(row);
    if (rows.length > MAX_SIDE || row.length > MAX_SIDE)
      throw new ParseFailure(`a matrix of more than ${MAX_SIDE} rows or columns`, true);
  }
  if (rows.length === 0) throw new ParseFailure("an empty matrix");
  return rows;
}
