/** @file Seconds, tokens and dollars by stage. */
import { count, dollars, duration, percent } from "../number-format.ts";
import { oneLine } from "../plain-text.ts";
import type { Basis, RunResults } from "../run-results.ts";
import { type Cell, type DataTable, numberColumn, plainRow, type Row, textColumn } from "./data-table.ts";

/** What the run took. */
export interface CostView {
  readonly sentence: string;
  readonly table: DataTable;
  /** The ledger by account; null where nobody was paid. */
  readonly accounts: DataTable | null;
  /** How far the judge can be trusted; null where there is none. */
  readonly judge: string | null;
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
    accounts: isFree(results) ? null : accountsTable(results),
    judge: judgeSentence(results),
  };
}

/** Each amount stands in the column that says how it is known. */
function accountsTable({ accounts }: RunResults): DataTable {
  return {
    caption:
      "The ledger by account. Measured: by reported usage. Estimated: counted here. Unknown: possibly paid, no reply was seen.",
    columns: [
      textColumn("account"),
      ...["calls", "of them free", "tokens in", "tokens out", "measured", "estimated", "unknown"].map(numberColumn),
    ],
    rows: accounts.map((row) =>
      plainRow(
        oneLine(row.account, 24),
        count(row.calls),
        count(row.freeCalls),
        count(row.promptTokens),
        count(row.completionTokens),
        dollars(row.measuredUsd),
        dollars(row.estimatedUsd),
        dollars(row.unknownUsd),
      ),
    ),
  };
}

/** The judge's agreement with the rules in a sentence, with n, interval, kappa and the four counts. */
function judgeSentence({ judge }: RunResults): string | null {
  if (judge === undefined) return null;
  const { n, agreement, interval, kappa, silent } = judge;
  const name = oneLine(judge.model, 64);
  if (agreement === null || interval === null) return `The judge ${name} could be compared with no rule.`;
  const [low, high] = interval;
  const beyond = kappa === null ? "" : `, kappa ${kappa.toFixed(2)}`;
  const counts = `both right ${judge.bothCorrect}, both wrong ${judge.bothIncorrect}, right by the judge alone ${judge.onlyJudge}, by the rule alone ${judge.onlyRule}`;
  const none = silent === 0 ? "" : `; on ${count(silent)} more it gave no verdict`;
  return `The judge ${name} agrees with the rules on ${percent(agreement)} of ${count(n)} replies on which a rule is sure (95 % interval ${percent(low)} to ${percent(high)}${beyond}; ${counts})${none}.`;
}
