/** @file Ways to spend tokens on a question in words and as a table: settings in sequence, samples in parallel. */
import { naturalBudget } from "../../evaluate/paired-questions.ts";
import type { EqualTokens, MethodRow } from "../../schema/evaluation-summary.ts";
import { count, counted, percent, percentInterval, signed } from "../number-format.ts";
import type { RunResults } from "../run-results.ts";
import { settingLabel } from "../settings.ts";
import { type DataTable, numberColumn, plainRow, textColumn } from "./data-table.ts";

/** What a reader calls the way: a setting's label, `vote of 4`, `likeliest of 4`, `shortest of 4`, `bound: any of 4`. */
export function methodLabel(row: MethodRow, labelOf: (setting: MethodRow["setting"]) => string): string {
  switch (row.kind) {
    case "vote":
      return `vote of ${row.samples}`;
    case "likeliest":
      return `likeliest of ${row.samples}`;
    case "shortest":
      return `shortest of ${row.samples}`;
    case "oracle":
      return `bound: any of ${row.samples}`;
    default:
      return labelOf(row.setting);
  }
}

/** One sentence: what Wait gives over a vote that spends as much. */
export function equalSentence({ waits, waitTokens, votes, voteTokens, questions, ...row }: EqualTokens): string {
  const spent = `${counted(waits, "Wait")} (${count(waitTokens)} tokens)`;
  if (row.difference === null || row.waitAccuracy === null || row.voteAccuracy === null)
    return `${spent} at equal tokens: a vote needs ${counted(votes, "sample")} a question, more than there are.`;
  const ends = row.interval;
  const interval = ends === null ? "" : ` (95 % interval ${signed(100 * ends[0])} to ${signed(100 * ends[1])})`;
  const vote = votes === 1 ? "one sample" : `a vote of ${votes}`;
  return `${spent} against ${vote} (${count(voteTokens)} tokens): ${percent(row.waitAccuracy)} and ${percent(row.voteAccuracy)}, ${signed(100 * row.difference)} points${interval}, n = ${questions}.`;
}

/** The ways of a run's student; null where nothing was sampled. */
export function methodsTable({ methods }: Pick<RunResults, "methods">): DataTable | null {
  if (methods === undefined) return null;
  const { rows, equalTokens } = methods;
  const natural = naturalBudget(rows.map(({ setting }) => setting));
  const note =
    "Tokens: thinking, answers and what was thrown away, of all n samples. Vote: the most frequent answer. Shortest: best of n by the shortest thinking that gave an answer. Bound: pass@k, if an oracle chose.";
  return {
    caption: [
      "What the student’s tokens give, spent in sequence or in parallel.",
      note,
      ...equalTokens.map(equalSentence),
    ].join(" "),
    columns: [
      textColumn("spent on a question"),
      numberColumn("n"),
      numberColumn("tokens"),
      numberColumn("accuracy"),
      numberColumn("95 % interval"),
    ],
    rows: rows.map((row) =>
      plainRow(
        methodLabel(row, (setting) => settingLabel(setting, natural)),
        count(row.samples),
        count(row.spentTokens),
        percent(row.accuracy.value),
        percentInterval(row.accuracy.interval),
      ),
    ),
  };
}
