/** @file A comparison of two evaluations as terminal text. */
import { naturalBudget } from "../evaluate/paired-questions.ts";
import type { ComparisonRow, Contamination, EvaluationComparison, Mismatch } from "../schema/evaluation-summary.ts";
import type { Interval } from "../schema/records.ts";
import { count, percent, pValue, signed } from "./number-format.ts";
import { oneLine } from "./plain-text.ts";
import { settingLabel } from "./settings.ts";
import { textTable, wrapped } from "./terminal-text.ts";

const LABEL = 19;

/** What `grappa compare` prints: a line a setting, one plain sentence each, and what must be known beside it. */
export function comparisonLines(comparison: EvaluationComparison): readonly string[] {
  const { rows, first, second, task } = comparison;
  const natural = naturalBudget(rows.flatMap((row) => [row.firstSetting, row.secondSetting]));
  const label = ({ firstSetting, secondSetting }: ComparisonRow): string =>
    [...new Set([firstSetting, secondSetting].map((setting) => settingLabel(setting, natural)))].join(" / ");
  const columns = [
    { label: "setting", width: LABEL },
    { label: oneLine(first, 9), width: 9 },
    { label: oneLine(second, 9), width: 9 },
    { label: "points", width: 7 },
    { label: "95 % interval", width: 15 },
    { label: "p", width: 8 },
    { label: "finds", width: 5 },
  ];
  const cells = rows.map((row) => [
    oneLine(label(row), LABEL),
    percent(row.first),
    percent(row.second),
    row.difference === null ? "–" : signed(100 * row.difference),
    intervalText(row.interval),
    pValue(row.adjustedPValue).replace(/^p (= )?/, ""),
    row.minimalDetectableEffect === null ? "–" : (100 * row.minimalDetectableEffect).toFixed(1),
  ]);
  const isSeveral = rows.length > 1;
  return [
    ...wrapped(`${oneLine(second, 60)} against ${oneLine(first, 60)} on ${oneLine(task, 40)}, paired by question.`),
    "",
    ...textTable(columns, cells),
    ...wrapped(methodNote(rows)),
    "",
    ...rows.flatMap((row) => wrapped(oneLine(`${isSeveral ? `${capital(label(row))}: ` : ""}${row.sentence}`, 600))),
    ...caveats(comparison).flatMap((caveat) => ["", ...wrapped(caveat)]),
  ];
}

function mismatchText({ field, first, second }: Mismatch): string {
  const what = {
    task: "task",
    taskVersion: "version of the task (prompt, fields, verifier)",
    dataSha256: "data (SHA-256)",
    graderVersion: "version of the grader",
    setting: "thinking setting",
  }[field];
  return `They differ in the ${what}: ${oneLine(first, 80)} against ${oneLine(second, 80)}.`;
}

function methodNote(rows: readonly ComparisonRow[]): string {
  const tests = [...new Set(rows.map(({ test }) => test))].join(" and ");
  const holm = rows.length > 1 ? ", Holm-adjusted" : "";
  return `p: ${tests}${holm}. finds: the difference in points that would be found four times in five.`;
}

function intervalText(interval: Interval | null): string {
  return interval === null ? "–" : `${signed(100 * interval[0])} to ${signed(100 * interval[1])}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What must be known beside a comparison, a sentence each. */
export function caveats({
  rows,
  mismatches,
  onlyFirstSettings,
  onlySecondSettings,
  first,
  second,
  contamination,
}: EvaluationComparison) {
  const unpaired = Math.max(0, ...rows.map((row) => row.unpairedFirst + row.unpairedSecond));
  const lone = [
    ...(onlyFirstSettings.length === 0 ? [] : [`${count(onlyFirstSettings.length)} of ${oneLine(first, 40)}`]),
    ...(onlySecondSettings.length === 0 ? [] : [`${count(onlySecondSettings.length)} of ${oneLine(second, 40)}`]),
  ];
  return [
    ...mismatches.map((mismatch) => `Caution. ${mismatchText(mismatch)}`),
    ...(unpaired === 0 ? [] : [`Up to ${count(unpaired)} questions were scored on one side only and are left out.`]),
    ...(lone.length === 0 ? [] : [`Settings without a counterpart are left out: ${lone.join(" and ")}.`]),
    ...(contamination === null ? [] : [contaminationText(contamination)]),
  ];
}

function contaminationText({ sameId, sharedText, questions, examples, ngram, tooShort }: Contamination): string {
  const found = sameId.length + sharedText.length;
  const checked = `${count(questions)} test questions against ${count(examples)} training texts`;
  const short =
    tooShort === 0 ? "" : ` Too short for such a run, so only ids were checked: ${count(tooShort)} of the questions.`;
  if (found === 0) return `Contamination: none found, ${checked}, runs of ${ngram} words.${short}`;
  const parts = `${count(sameId.length)} the same question, ${count(sharedText.length)} sharing a run of ${ngram} words`;
  return `Contamination: ${count(found)} found (${parts}), ${checked}.${short}`;
}
