/** @file Seconds, tokens and dollars by stage. */
import { count, dollars, duration } from "../number-format.ts";
import { oneLine } from "../plain-text.ts";
import type { Basis, RunResults } from "../run-results.ts";
import { type Cell, type DataTable, numberColumn, type Row, textColumn } from "./data-table.ts";

/** What the run took. */
export interface CostView {
  readonly sentence: string;
  readonly table: DataTable;
}

/** Whether nobody was paid: no dollars in the ledger or in the total. */
export function isFree(results: RunResults): boolean {
  return results.spentUsd === 0 && results.ledger.every((row) => row.costUsd === 0);
}

/** Most figures of a run are measured, so only the others carry a tag. */
function tagged(text: string, basis: Basis): Cell {
  return basis === "measured" ? { text } : { text, basis };
}

/** The cost of a run in a sentence and a table; the sentence says where a zero comes from. */
export function costOf(results: RunResults): CostView {
  const longest = Math.max(1e-9, ...results.ledger.map((row) => row.seconds));
  const rows = results.ledger.map(
    (row): Row => ({
      tone: "plain",
      cells: [
        { text: oneLine(row.stage, 24) },
        { text: duration(row.seconds), bar: row.seconds / longest },
        tagged(count(row.inputTokens), row.tokensBasis),
        tagged(count(row.outputTokens), row.tokensBasis),
        tagged(dollars(row.costUsd), row.costBasis),
      ],
    }),
  );
  const sum = (pick: (row: RunResults["ledger"][number]) => number) =>
    results.ledger.reduce((total, row) => total + pick(row), 0);
  const total: Row = {
    tone: "total",
    cells: [
      { text: "whole run" },
      { text: duration(results.seconds) },
      { text: count(sum((row) => row.inputTokens)) },
      { text: count(sum((row) => row.outputTokens)) },
      tagged(dollars(results.spentUsd), results.spentBasis),
    ],
  };
  const isBuiltin = results.recipe.trace.teacher.type === "builtin";
  const spent = isFree(results)
    ? `$0, free: ${isBuiltin ? "everything ran on this machine" : "the teacher's price is $0"}.`
    : `${dollars(results.spentUsd)} (${results.spentBasis}), of at most ${dollars(results.recipe.maxUsd)} allowed.`;
  return {
    sentence: `${duration(results.seconds)} and ${spent}`,
    table: {
      caption: "Time, tokens and dollars by stage. Measured, unless tagged otherwise.",
      columns: [
        textColumn("stage"),
        numberColumn("time"),
        numberColumn("tokens in"),
        numberColumn("tokens out"),
        numberColumn("dollars"),
      ],
      rows: [...rows, total],
    },
  };
}
