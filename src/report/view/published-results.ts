/** @file s1's own figures, for orientation: other models, other tasks, other scale. Never set beside ours as equals. */
import { type DataTable, numberColumn, type Row, textColumn } from "./data-table.ts";

interface PublishedRow {
  readonly model: string;
  readonly examples: string;
  readonly aime24: string;
  readonly math500: string;
  readonly gpqaDiamond: string;
}

/** Rows of Table 1 of "s1: Simple test-time scaling" (arXiv 2501.19393 v3); accuracy in percent. */
const TABLE_1: readonly PublishedRow[] = [
  { model: "Qwen2.5-32B-Instruct (s1's base)", examples: "–", aime24: "26.7", math500: "84.0", gpqaDiamond: "49.0" },
  { model: "s1 without budget forcing", examples: "1,000", aime24: "50.0", math500: "92.6", gpqaDiamond: "56.6" },
  { model: "s1-32B", examples: "1,000", aime24: "56.7", math500: "93.0", gpqaDiamond: "59.6" },
  { model: "QwQ-32B-preview", examples: "–", aime24: "50.0", math500: "90.6", gpqaDiamond: "54.5" },
  { model: "r1-distill (Qwen-32B)", examples: "800,000", aime24: "72.6", math500: "94.3", gpqaDiamond: "62.1" },
  { model: "o1-preview", examples: "–", aime24: "44.6", math500: "85.5", gpqaDiamond: "73.3" },
];

function rowOf(row: PublishedRow): Row {
  const numbers = [row.examples, row.aime24, row.math500, row.gpqaDiamond].map((text) => ({ text }));
  return { tone: "plain", cells: [{ text: row.model, basis: "published" }, ...numbers] };
}

/** The published figures as a table whose caption says what they are not. */
export function publishedTable(): DataTable {
  return {
    caption:
      "For orientation only: what s1 published on competition maths and science (arXiv 2501.19393, Table 1; accuracy, %; n = 30, 500 and 198 questions; the paper prints no intervals). Other models, other tasks: not comparable with this run.",
    columns: [
      textColumn("model"),
      numberColumn("examples"),
      numberColumn("AIME24"),
      numberColumn("MATH500"),
      numberColumn("GPQA Diamond"),
    ],
    rows: TABLE_1.map(rowOf),
  };
}
