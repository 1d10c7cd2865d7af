/** @file Accuracy against thinking: the chart's points and the tables that say the same in figures. */
import { settingKey, settingKind } from "../../evaluate/settings.ts";
import type { Score } from "../../schema/records.ts";
import { count, percent, percentInterval, pValue, signed } from "../number-format.ts";
import { oneLine, TEXT_CAPS } from "../plain-text.ts";
import type { RunResults } from "../run-results.ts";
import { bestBase, familiesOf, modelAndSetting, settingLabel, totals } from "../settings.ts";
import { type AccuracyChartData, type AccuracyPoint, describeAccuracy } from "./accuracy-data.ts";
import { methodsTable } from "./methods.ts";
import { type DataTable, numberColumn, plainRow, type Row, textColumn } from "./data-table.ts";

/** Everything about the sweep. */
export interface SweepView {
  readonly chart: AccuracyChartData;
  readonly settings: DataTable;
  readonly families: DataTable;
  /** Null when the recipe forces no Wait. */
  readonly waits: DataTable | null;
  /** Ways to spend tokens, in sequence and in parallel; null where nothing was sampled. */
  readonly methods: DataTable | null;
  /** Scaling, Control and Performance in a line; null where nothing varies. */
  readonly metrics: string | null;
}

function pointOf(results: RunResults, score: Score): AccuracyPoint | null {
  if (score.accuracy === null) return null;
  const kind = settingKind(score.setting, results.naturalBudgetTokens);
  if (kind === "silent" || kind === "sampled") return null;
  const label = settingLabel(score.setting, results.naturalBudgetTokens);
  const value = percent(score.accuracy, 0);
  const shown = {
    cap: label,
    direct: "direct",
    rejection: label,
    natural: `${label} ${value}`,
    wait: `${label} ${value}`,
  }[kind];
  const short = {
    cap: String(score.setting.budgetTokens),
    direct: "direct",
    rejection: `rej ${score.setting.budgetTokens}`,
    natural: `end ${value}`,
    wait: `${label} ${value}`,
  }[kind];
  return {
    kind,
    setting: settingKey(score.setting),
    label: shown,
    shortLabel: short,
    accuracy: score.accuracy,
    interval: score.interval,
    thinkingTokens: score.thinkingTokens,
  };
}

function chartOf(results: RunResults): AccuracyChartData {
  const scores = totals(results, "student");
  const base = bestBase(results);
  const data = {
    points: scores.map((score) => pointOf(results, score)).filter((point) => point !== null),
    base:
      base === undefined || base.accuracy === null
        ? null
        : { accuracy: base.accuracy, interval: base.interval, label: `base ${percent(base.accuracy, 1)}` },
    n: Math.max(0, ...scores.map((score) => score.n)),
    questions: "held-out questions",
  };
  return { ...data, description: describeAccuracy(data) };
}

function rowOf(results: RunResults, score: Score): Row {
  const label = modelAndSetting(score, results.naturalBudgetTokens);
  return {
    tone: score.model,
    cells: [
      { text: label },
      { text: percent(score.accuracy), bar: score.accuracy ?? 0 },
      { text: percentInterval(score.interval) },
      { text: count(score.thinkingTokens) },
      { text: count(score.n) },
    ],
  };
}

function settingsTable(results: RunResults, scores: readonly Score[]): DataTable {
  return {
    caption: `Every setting on the same held-out questions. Intervals: ${oneLine(results.intervalMethod, TEXT_CAPS.sentence)}.`,
    columns: [
      textColumn("model and setting"),
      numberColumn("accuracy"),
      numberColumn("95 % interval"),
      numberColumn("thinking tokens"),
      numberColumn("n"),
    ],
    rows: scores.map((score) => rowOf(results, score)),
  };
}

function familiesTable(results: RunResults, scores: readonly Score[]): DataTable {
  const families = [...new Set(results.scores.map((score) => score.family))]
    .filter((family) => family !== "all")
    .sort();
  return {
    caption: "By question family, with 95 % interval and n; and how replies ended.",
    columns: [
      textColumn("model and setting"),
      ...families.map((family) => numberColumn(oneLine(family))),
      numberColumn("thinking cut"),
      numberColumn("no answer"),
    ],
    rows: scores.map((score) => {
      const own = familiesOf(results, score);
      const cells = families.map((family) => {
        const found = own.find((candidate) => candidate.family === family);
        if (found === undefined) return { text: "–" };
        return { text: `${percent(found.accuracy)} (${percentInterval(found.interval)}, n = ${count(found.n)})` };
      });
      const label = modelAndSetting(score, results.naturalBudgetTokens);
      const ends = [{ text: percent(score.cutShare, 0) }, { text: percent(score.noAnswerShare, 0) }];
      return { tone: score.model, cells: [{ text: label }, ...cells, ...ends] };
    }),
  };
}

function waitsTable({ verdict }: RunResults): DataTable | null {
  if (verdict.waits.length === 0) return null;
  return {
    caption: "What forcing the student on did to its own answers, against its natural end (paired).",
    columns: [
      textColumn("forced"),
      numberColumn("wrong → right"),
      numberColumn("right → wrong"),
      numberColumn("n"),
      numberColumn("p"),
    ],
    rows: verdict.waits.map(({ waits, n, wrongToRight, rightToWrong, pValue: p }) =>
      plainRow(
        `${waits} ${waits === 1 ? "Wait" : "Waits"}`,
        count(wrongToRight),
        count(rightToWrong),
        count(n),
        pValue(p).replace(/^p (= )?/, ""),
      ),
    ),
  };
}

function metricsOf({ metrics }: RunResults): string | null {
  if (metrics === null) return null;
  const { interval } = metrics;
  const range =
    interval === null
      ? " (no interval: nothing varied)"
      : ` (95 % interval ${signed(interval[0])} to ${signed(interval[1])})`;
  return `s1's three measures. Scaling: ${signed(metrics.pointsPerDoubling)} points for each doubling of thinking tokens${range}. Control: ${percent(metrics.control, 0)} of settings within their budget. Performance: ${percent(metrics.performance)}.`;
}

/** The sweep of a run; scores without an estimate are left out of the chart and shown as "–" in the tables. */
export function sweepOf(results: RunResults): SweepView {
  const scores = [...totals(results, "base"), ...totals(results, "student")];
  return {
    chart: chartOf(results),
    settings: settingsTable(results, scores),
    families: familiesTable(results, scores),
    waits: waitsTable(results),
    methods: methodsTable(results),
    metrics: metricsOf(results),
  };
}
