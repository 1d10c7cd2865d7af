/** @file Other models' published figures, for orientation: other tasks, other scale. Never set beside ours as equals. */
import { intervalFromN, publishedResults } from "../../evaluate/published/published-for.ts";
import type { PublishedResult } from "../../evaluate/published/published-result.ts";
import { percentInterval } from "../number-format.ts";
import { type Cell, type DataTable, numberColumn, type Row, textColumn } from "./data-table.ts";

/** Columns, by task. */
const TASKS = [
  { task: "aime24", label: "AIME24" },
  { task: "math500", label: "MATH500" },
  { task: "gpqa-diamond", label: "GPQA Diamond" },
] as const;

/** Rows of s1's Table 1: one a model and setting. */
function modelsOf(results: readonly PublishedResult[]): PublishedResult[][] {
  const models = new Map<string, PublishedResult[]>();
  for (const row of results) {
    if (row.source.table !== 1) continue;
    const key = `${row.model}/${row.setting}`;
    const same = models.get(key);
    if (same === undefined) models.set(key, [row]);
    else same.push(row);
  }
  return [...models.values()];
}

function figure(row: PublishedResult | undefined): Cell {
  if (row === undefined) return { text: "–" };
  return { text: `${row.accuracyPercent.toFixed(1)} (${percentInterval(intervalFromN(row), 0).replace(" %", "")})` };
}

function rowOf(results: readonly PublishedResult[]): Row {
  const [first] = results;
  const setting = first?.setting ? `, ${first.setting}` : "";
  const figures = TASKS.map(({ task }) => figure(results.find((row) => row.task === task)));
  const name: Cell = { text: `${first?.model ?? ""}${setting}`, basis: "published" };
  return { tone: "plain", cells: [name, { text: first?.examples ?? "–" }, ...figures] };
}

/** The published figures as a table whose caption says what they are not. */
export function publishedTable(): DataTable {
  const models = modelsOf(publishedResults());
  const source = models[0]?.[0];
  const from = source === undefined ? "" : `arXiv ${source.source.arxiv}, Table ${source.source.table}, ${source.asOf}`;
  return {
    caption: `For orientation only: what s1 printed of itself and others on competition maths and science (${from}; accuracy, %; n = 30, 500 and 198 questions). In brackets a 95 % interval that is ours, Wilson's from n: the paper prints none. Other models, other tasks: not comparable with this run.`,
    columns: [textColumn("model"), numberColumn("examples"), ...TASKS.map(({ label }) => numberColumn(label))],
    rows: models.map(rowOf),
  };
}
