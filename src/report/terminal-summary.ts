/** @file What the command line prints when a run has ended: plain lines, 80 columns, no colour codes. */
import type { ControlRow } from "../schema/controls.ts";
import type { Score } from "../schema/records.ts";
import { count, duration, percent, percentInterval, pValue } from "./number-format.ts";
import { oneLine } from "./plain-text.ts";
import type { RunResults } from "./run-results.ts";
import { modelAndSetting, totals } from "./settings.ts";
import { bar, BAR_CELLS, wrapped } from "./terminal-text.ts";
import { controlsOf } from "./view/controls.ts";
import { costOf } from "./view/cost.ts";
import { headlineOf } from "./view/headline.ts";
import { sweepOf } from "./view/sweep.ts";
import { wouldHaveCostOf } from "./view/would-have-cost.ts";

function scoreLine(score: Score, naturalBudgetTokens: number): string {
  const label = oneLine(modelAndSetting(score, naturalBudgetTokens), 27);
  const figures = [
    percent(score.accuracy).padStart(7),
    percentInterval(score.interval).padStart(13),
    count(score.thinkingTokens).padStart(7),
  ];
  return `  ${label.padEnd(27)} ${bar(score.accuracy ?? 0).padEnd(BAR_CELLS)} ${figures.join(" ")}`.trimEnd();
}

/** A line a stage with its time and its share of the run as a bar; the total closes the table. */
function stageLines(results: RunResults): string[] {
  const whole = Math.max(1e-9, results.seconds);
  const line = (stage: string, seconds: number, text: string) =>
    `  ${stage.padEnd(27)} ${text} ${duration(seconds).padStart(12)}`;
  return [
    `  ${"seconds by stage".padEnd(27)} ${"share of the time".padEnd(BAR_CELLS)} ${"time".padStart(11)}`,
    ...results.ledger.map(({ stage, seconds }) =>
      line(oneLine(stage, 27), seconds, bar(seconds / whole).padEnd(BAR_CELLS)),
    ),
    line("whole run", results.seconds, " ".repeat(BAR_CELLS)),
  ];
}

/** Whether Wait may be claimed, then a control a line beside what the main student did. */
function controlLines(results: RunResults): string[] {
  const { claim, note, table } = controlsOf(results);
  const rows = results.controls?.rows ?? [];
  const line = (label: string, row: ControlRow): string =>
    `  ${oneLine(label, 53).padEnd(54)} ${percent(row.accuracy).padStart(7)} ${percent(row.mainAccuracy).padStart(7)} ${shortP(row.pValue).padStart(7)}`;
  return [
    ...(claim === null ? [] : ["", ...wrapped(claim.sentence)]),
    ...(table === null
      ? []
      : [
          "",
          `  ${"control".padEnd(54)} ${"right".padStart(7)} ${"main".padStart(7)} ${"p".padStart(7)}`,
          ...rows.map((row, index) => line(table.rows[index]?.cells[0]?.text ?? "", row)),
          ...wrapped(note),
        ]),
  ];
}

function shortP(p: number | null): string {
  return pValue(p).replace(/^p (= )?/, "");
}

/**
 * The end of a run in a terminal: the headline, a line a setting with a text bar and its 95 % interval, the verdict,
 * controls, seconds by stage, dollars, and what s1's way would have cost. Control characters in names cannot reach the terminal.
 */
export function terminalSummary(results: RunResults): readonly string[] {
  const scores = [...totals(results, "base"), ...totals(results, "student")];
  const headline = headlineOf(results);
  const { metrics } = sweepOf(results);
  const n = Math.max(0, ...scores.map((score) => score.n));
  const heads = ["right".padStart(7), "95 % interval", "tokens".padStart(7)];
  return [
    ...wrapped(headline.sentence),
    "",
    `  ${`held-out questions, n = ${count(n)}`.padEnd(27)} ${" ".repeat(BAR_CELLS)} ${heads.join(" ")}`,
    ...scores.map((score) => scoreLine(score, results.naturalBudgetTokens)),
    "",
    ...wrapped(headline.verdict),
    ...wrapped(headline.evidence),
    ...(metrics === null ? [] : wrapped(metrics)),
    ...controlLines(results),
    "",
    ...stageLines(results),
    "",
    ...wrapped(costOf(results).sentence),
    ...wrapped(wouldHaveCostOf(results).short),
  ];
}
