/** @file The controls as words and a table: what else could explain the gain, and whether Wait may be claimed. */
import { claimWait, FIRST_PASS_MARGIN, isSlipless } from "../../evaluate/wait-claim.ts";
import { CONTROL_NAMES, type ControlName, type ControlRow } from "../../schema/controls.ts";
import { count, duration, percent, percentInterval, pValue, signed } from "../number-format.ts";
import { oneLine } from "../plain-text.ts";
import type { RunResults } from "../run-results.ts";
import { naturalStudent, settingLabel } from "../settings.ts";
import { exampleCount } from "./headline.ts";
import { type DataTable, numberColumn, type Row, textColumn } from "./data-table.ts";

/** Whether Wait may be claimed, in a sentence or two. */
export interface WaitClaimView {
  readonly isClaimed: boolean;
  readonly sentence: string;
}

/** The controls of a run. */
export interface ControlsView {
  /** Null when the recipe forces no Wait. */
  readonly claim: WaitClaimView | null;
  /** Null when no control was run. */
  readonly table: DataTable | null;
  /** What was and was not run. */
  readonly note: string;
}

/** What a control is, after its letter. */
function nameOf(control: ControlName, results: RunResults): string {
  const examples = count(exampleCount(results));
  const names: Readonly<Record<ControlName, string>> = {
    "no-slips": isSlipless(results.recipe) ? "traces without slips, as the main line's" : "traces without slips",
    "answers-only": "answers without thinking",
    random: `${examples} random traces`,
    silent: "going on without the word",
    vote: "majority vote",
  };
  return `(${"abcde"[CONTROL_NAMES.indexOf(control)]}) ${names[control]}`;
}

function waitWords(waits: number): string {
  return `${waits} forced ${waits === 1 ? "Wait" : "Waits"}`;
}

/** The claim for the fewest waits of the recipe; null where none was forced. */
export function waitClaimOf(results: RunResults): WaitClaimView | null {
  const wait = [...results.verdict.waits].sort((a, b) => a.waits - b.waits)[0];
  if (wait === undefined) return null;
  const natural = naturalStudent(results);
  const slipless = results.controls?.rows.find(({ control, setting }) => control === "no-slips" && setting.waits === 0);
  const firstPass = natural?.accuracy ?? null;
  const hasNoSlips = isSlipless(results.recipe);
  const claim = claimWait({ wait, firstPass, slipless: hasNoSlips ? firstPass : (slipless?.accuracy ?? null) });
  const after = firstPass === null ? null : firstPass + (wait.wrongToRight - wait.rightToWrong) / wait.n;
  const gain = `With ${waitWords(wait.waits)} the student is right on ${percent(after)} instead of ${percent(firstPass)}: ${count(wait.wrongToRight)} wrong answers turned right, ${count(wait.rightToWrong)} right ones wrong (n = ${count(wait.n)}, exact McNemar ${pValue(wait.pValue)}).`;
  const beside = `Its first pass is right on ${percent(firstPass)}, that of control (a), taught without slips, on ${percent(slipless?.accuracy ?? null)}`;
  const margin = Math.round(FIRST_PASS_MARGIN * 100);
  const sentences: Readonly<Record<typeof claim, string>> = {
    claimed: hasNoSlips
      ? `Wait helps. ${gain} Its teacher never slips: no planted error is there to mend.`
      : `Wait helps. ${gain} ${beside}: not more than ${margin} points behind, so Wait mends more than planted errors.`,
    "not-compared": "That Wait helps is not claimed: nothing was compared.",
    "no-gain": `That Wait helps is not claimed: it gained nothing. ${gain}`,
    "not-significant": `That Wait helps is not claimed: chance could have made the difference. ${gain}`,
    "control-missing": `That Wait helps is not claimed: control (a), a student taught without slips, was not run (--controls runs it). ${gain}`,
    "first-pass-worse": `That Wait helps is not claimed: it may only mend what the teacher's slips spoiled. ${gain} ${beside}, more than ${margin} points better.`,
  };
  return { isClaimed: claim === "claimed", sentence: sentences[claim] };
}

function rowOf(row: ControlRow, results: RunResults): Row {
  const label = (setting: ControlRow["setting"]): string => settingLabel(setting, results.naturalBudgetTokens);
  const how =
    row.control === "vote"
      ? `of ${row.votes} at temperature ${row.setting.temperature}`
      : row.control === "silent"
        ? `${row.setting.waits} ${row.setting.waits === 1 ? "end" : "ends"} swallowed`
        : label(row.setting);
  return {
    tone: "plain",
    cells: [
      { text: `${nameOf(row.control, results)}: ${how}` },
      { text: `${percent(row.accuracy)} (${percentInterval(row.interval)})` },
      { text: count(row.thinkingTokens) },
      { text: `${percent(row.mainAccuracy)}, ${label(row.mainSetting)}` },
      { text: differenceText(row) },
      { text: pValue(row.pValue).replace(/^p (= )?/, "") },
    ],
  };
}

/** `−1.5 (−7.0 to +4.0)`, in points. */
function differenceText({ difference, differenceInterval }: ControlRow): string {
  if (difference === null) return "–";
  const [low, high] = differenceInterval ?? [];
  const range = low === undefined || high === undefined ? "" : ` (${signed(low * 100)} to ${signed(high * 100)})`;
  return `${signed(difference * 100)}${range}`;
}

/** `300`, or `298 to 300` where rows differ. */
function sizesOf(rows: readonly ControlRow[]): string {
  const sizes = rows.map(({ n }) => n);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return least === most ? count(most) : `${count(least)} to ${count(most)}`;
}

function tableOf(results: RunResults): DataTable | null {
  if (results.controls === null || results.controls.rows.length === 0) return null;
  return {
    caption: `Each control beside the main student on the same held-out questions, n = ${sizesOf(results.controls.rows)}. Tokens: mean thinking tokens. Difference: control minus main, points. p: exact McNemar, not corrected for the number of rows.`,
    columns: [
      textColumn("control"),
      numberColumn("accuracy (95 % interval)"),
      numberColumn("tokens"),
      numberColumn("main student"),
      numberColumn("difference (95 % interval)"),
      numberColumn("p"),
    ],
    rows: results.controls.rows.map((row) => rowOf(row, results)),
  };
}

function noteOf({ controls, recipe }: RunResults): string {
  if (controls === null && recipe.student.hosted !== undefined)
    return "No control was run: each would be another fine-tune, for money. Nothing here shows what made the difference.";
  if (controls === null)
    return "No control was run. The flag --controls runs them: three more students, and the same student otherwise decoded.";
  const vote = controls.rows.find(({ control }) => control === "vote");
  const silent = controls.rows.find(({ control }) => control === "silent");
  const parts = [
    `The controls took ${duration(controls.seconds)} beside the run.`,
    ...(silent?.ownWaitShare === undefined || silent.ownWaitShare === null
      ? []
      : [
          `(d): the end of thinking is swallowed, nothing put in its place, and the word forbidden there${silent.ownWaitShare > 0 ? `; in ${percent(silent.ownWaitShare, 0)} of replies the student still came to write it next` : ""}.`,
        ]),
    ...(vote === undefined
      ? []
      : [
          `(e): samples of the main student; as many as reach the tokens of Wait, rounded up; a seeded draw decides between answers with equal votes.`,
        ]),
    ...controls.skipped.map(
      ({ control, reason }) => `(${"abcde"[CONTROL_NAMES.indexOf(control)]}) was not run: ${oneLine(reason)}.`,
    ),
  ];
  return parts.join(" ");
}

/** The controls of a run in words and figures. */
export function controlsOf(results: RunResults): ControlsView {
  return { claim: waitClaimOf(results), table: tableOf(results), note: noteOf(results) };
}
