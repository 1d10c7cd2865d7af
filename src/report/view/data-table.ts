/** @file A table as data, so that the page and the Markdown report show the same cells. All text here is unescaped. */
import type { Basis } from "../run-results.ts";

/** A column: its heading, and whether its cells are numbers (set right, in figures of one width). */
export interface Column {
  readonly label: string;
  readonly isNumber: boolean;
}

/** A cell: its text, where its number comes from, and a bar from 0 to 1 where the eye should compare. */
export interface Cell {
  readonly text: string;
  readonly basis?: Basis;
  readonly bar?: number;
}

/** A row; `tone` colours its bar and marks its first cell; "total" closes the table. */
export interface Row {
  readonly cells: readonly Cell[];
  readonly tone: "base" | "student" | "plain" | "total";
}

/** A table with its caption; the first column names the row. */
export interface DataTable {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** A column of words. */
export function textColumn(label: string): Column {
  return { label, isNumber: false };
}

/** A column of numbers. */
export function numberColumn(label: string): Column {
  return { label, isNumber: true };
}

/** A row of plain texts. */
export function plainRow(...texts: readonly string[]): Row {
  return { tone: "plain", cells: texts.map((text) => ({ text })) };
}
