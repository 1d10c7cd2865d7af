/** @file Writes out what stands for several values, and works out arithmetic of matrices, so that comparing sees plain forms. */
import { type Tree, mapTree, negated, product, someTree, sumOf, type TreeOf } from "./tree.ts";

/** Most values that `±` may stand for in one expression. */
const MAX_SIGNS = 3;

/**
 * The values of an expression with `±`, or the expression itself. Each `±` is chosen freely, unless a `∓` shows that the signs
 * go together.
 */
export function expandSigns(tree: Tree): readonly Tree[] {
  const count = countSigns(tree);
  if (count === 0) return [tree];
  const isLinked = someTree(tree, (part) => part.type === "plusMinus" && part.sign === -1);
  const choices = isLinked || count > MAX_SIGNS ? 1 : count;
  return Array.from({ length: 2 ** choices }, (_, bits) => chooseSigns(tree, bits, choices));
}

function countSigns(tree: Tree): number {
  let count = 0;
  someTree(tree, (part) => {
    if (part.type === "plusMinus") count += 1;
    return false;
  });
  return count;
}

function chooseSigns(tree: Tree, bits: number, choices: number): Tree {
  let seen = 0;
  return mapTree(tree, (part) => {
    if (part.type !== "plusMinus") return part;
    const chosen = (bits >> (choices === 1 ? 0 : seen)) & 1 ? -1 : 1;
    seen += 1;
    const right = chosen * part.sign === 1 ? part.right : negated(part.right);
    return part.left === null ? right : sumOf([part.left, right]);
  });
}

type Matrix = TreeOf<"matrix">;

/** The tree with sums, products and quotients of matrices worked out, column and row vectors included. */
export function workOutMatrices(tree: Tree): Tree {
  if (!someTree(tree, ({ type }) => type === "matrix")) return tree;
  return mapTree(tree, (part) => {
    if (part.type === "sum") return addMatrices(part.terms) ?? part;
    if (part.type === "product") return multiplyMatrices(part.factors) ?? part;
    if (part.type === "quotient" && part.top.type === "matrix" && part.bottom.type !== "matrix") {
      const { bottom } = part;
      return mapCells(part.top, (cell) => ({ type: "quotient", top: cell, bottom }));
    }
    if (part.type === "call" && (part.name === "det" || part.name === "abs")) return determinant(part.args[0]) ?? part;
    return part.type === "power" ? (transposed(part) ?? part) : part;
  });
}

function mapCells(matrix: Matrix, change: (cell: Tree) => Tree): Matrix {
  return { type: "matrix", rows: matrix.rows.map((row) => row.map(change)) };
}

function isMatrix(tree: Tree): tree is Matrix {
  return tree.type === "matrix";
}

function addMatrices(terms: readonly Tree[]): Tree | null {
  if (!terms.every(isMatrix)) return null;
  const [first, ...rest] = terms;
  if (first === undefined || !rest.every((matrix) => sameShape(first, matrix))) return null;
  return {
    type: "matrix",
    rows: first.rows.map((row, i) =>
      row.map((cell, j) => sumOf([cell, ...rest.map(({ rows }) => rows[i]?.[j] as Tree)])),
    ),
  };
}

/** Whether two matrices have the same rows and columns. */
export function sameShape(a: Matrix, b: Matrix): boolean {
  return a.rows.length === b.rows.length && a.rows.every((row, i) => row.length === b.rows[i]?.length);
}

function multiplyMatrices(factors: readonly Tree[]): Tree | null {
  const matrices = factors.filter(isMatrix);
  const scalars = factors.filter((factor) => factor.type !== "matrix");
  const [first, ...rest] = matrices;
  if (first === undefined) return null;
  let total = first;
  for (const next of rest) {
    if (total.rows.some((row) => row.length !== next.rows.length)) return null;
    total = { type: "matrix", rows: total.rows.map((row) => rowTimes(row, next)) };
  }
  return scalars.length === 0 ? total : mapCells(total, (cell) => product([...scalars, cell]));
}

function rowTimes(row: readonly Tree[], { rows }: Matrix): Tree[] {
  const columns = rows[0]?.length ?? 0;
  return Array.from({ length: columns }, (_, j) => sumOf(row.map((cell, k) => product([cell, rows[k]?.[j] as Tree]))));
}

/** Of a matrix of at most three rows; null for anything else. */
function determinant(tree: Tree | undefined): Tree | null {
  if (tree === undefined || tree.type !== "matrix") return null;
  const { rows } = tree;
  if (rows.length > 3 || rows.some((row) => row.length !== rows.length)) return null;
  return minors(rows);
}

function minors(rows: readonly (readonly Tree[])[]): Tree {
  const [first = [], ...rest] = rows;
  if (rest.length === 0) return first[0] as Tree;
  return sumOf(
    first.map((cell, j) => {
      const term = product([cell, minors(rest.map((row) => row.filter((_, column) => column !== j)))]);
      return j % 2 === 0 ? term : negated(term);
    }),
  );
}

/** `A^T`, `A^\top`. */
function transposed({ base, exponent }: TreeOf<"power">): Tree | null {
  const isMark = exponent.type === "symbol" && /^(?:T|\\top|\\intercal)$/.test(exponent.name);
  if (!isMark || base.type !== "matrix") return null;
  const width = base.rows[0]?.length ?? 0;
  return { type: "matrix", rows: Array.from({ length: width }, (_, j) => base.rows.map((row) => row[j] as Tree)) };
}
