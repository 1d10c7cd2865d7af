/** @file An evaluation as terminal text: accuracy with its interval, what stands behind "wrong", votes, others' figures. */
import { naturalBudget } from "../evaluate/paired-questions.ts";
import { intervalFromN } from "../evaluate/published/published-for.ts";
import type { PublishedResult } from "../evaluate/published/published-result.ts";
import type {
  EvaluationHeading,
  EvaluationSummary,
  SettingSummary,
  SweepSummary,
} from "../schema/evaluation-summary.ts";
import type { EvaluationSpeed } from "../schema/evaluation.ts";
import { methodLines } from "./method-lines.ts";
import { count, counted, dollars, percent, percentInterval, signed } from "./number-format.ts";
import { oneLine } from "./plain-text.ts";
import { settingLabel } from "./settings.ts";
import { bar, BAR_CELLS, textTable, wrapped } from "./terminal-text.ts";

const LABEL = 27;

/**
 * What `grappa evaluate` prints when it is done. Names come from outside: control characters in them cannot reach the terminal.
 * @param beside others' figures on the same task, best first; and how fast the model was asked, where that was measured
 */
export function evaluationLines(
  summary: EvaluationSummary,
  { task, model, samplesPerQuestion }: EvaluationHeading,
  { published, speed }: { readonly published: readonly PublishedResult[]; readonly speed: EvaluationSpeed | null },
): readonly string[] {
  const { settings } = summary;
  const label = labeller(settings);
  const asked = `${counted(task.questions, "question")}, ${samplesPerQuestion === 1 ? "one sample" : counted(samplesPerQuestion, "sample")} each`;
  return [
    ...wrapped(`${oneLine(model.name, 60)} on ${oneLine(task.name, 40)} (${oneLine(task.version, 20)}): ${asked}.`),
    "",
    ...accuracyLines(settings, label),
    "",
    ...failureLines(settings, label),
    ...methodLines(summary, speed),
    ...notes(summary),
    ...publishedLines(published, mainSetting(settings)),
  ];
}

type Labeller = (summary: SettingSummary) => string;

function labeller(settings: readonly SettingSummary[]): Labeller {
  const natural = naturalBudget(settings.map(({ setting }) => setting));
  return ({ setting }) => oneLine(settingLabel(setting, natural), LABEL);
}

/** The natural end, which a reader asks for first; else the first setting there is. */
function mainSetting(settings: readonly SettingSummary[]): SettingSummary | undefined {
  const natural = naturalBudget(settings.map(({ setting }) => setting));
  const isNatural = ({ setting: { mode, waits, silent, maxTries, budgetTokens } }: SettingSummary): boolean =>
    mode === "think" && waits === 0 && silent === undefined && maxTries === undefined && budgetTokens === natural;
  return settings.find(isNatural) ?? settings[0];
}

function accuracyLines(settings: readonly SettingSummary[], label: Labeller): string[] {
  const columns = [
    { label: "setting", width: LABEL },
    { label: "".padEnd(BAR_CELLS), width: BAR_CELLS },
    { label: "right", width: 7 },
    { label: "95 % interval", width: 13 },
    { label: "tokens", width: 7 },
  ];
  const rows = settings.map((summary) => [
    label(summary),
    bar(summary.accuracy.value ?? 0).padEnd(BAR_CELLS),
    percent(summary.accuracy.value),
    percentInterval(summary.accuracy.interval),
    summary.thinkingTokens === null ? "–" : count(summary.thinkingTokens.mean),
  ]);
  return textTable(columns, rows);
}

/** Shares of scored samples: what a grader would else hide as wrong; and accuracy without what was cut or silent. */
function failureLines(settings: readonly SettingSummary[], label: Labeller): string[] {
  const columns = [
    { label: "of all samples", width: 20 },
    { label: "cut", width: 6 },
    { label: "silent", width: 6 },
    { label: "unread", width: 6 },
    { label: "limit", width: 6 },
    { label: "slow", width: 6 },
    { label: "completed, right", width: 21 },
  ];
  const short = (share: number | null): string => percent(share).replace(" %", "");
  const rows = settings.map((summary) => {
    const { rates, completed } = summary;
    const figures = [rates.truncated, rates.noAnswer, rates.parseFailure, rates.limit, rates.timeout].map(short);
    const right =
      completed.value === null ? "–" : `${percent(completed.value)} (${percentInterval(completed.interval, 0)})`;
    return [oneLine(label(summary), 20), ...figures, right];
  });
  return [
    ...textTable(columns, rows),
    ...wrapped(
      "In percent. cut: by the token limit. silent: no answer. unread: the answer could not be parsed. limit: too large to grade. slow: code ran too long. completed: samples that ended by themselves with an answer.",
    ),
  ];
}

function notes({ settings, sweep, rejectionSweep, costMicroUsd }: EvaluationSummary): string[] {
  const total = (of: (summary: SettingSummary) => number): number => settings.reduce((sum, one) => sum + of(one), 0);
  const [unscored, broken] = [total((one) => one.unscored), total((one) => one.goldErrors)];
  const disagreeing = settings.filter(({ extractorDisagreement }) => (extractorDisagreement ?? 0) > 0);
  const worst = Math.max(0, ...disagreeing.map(({ extractorDisagreement }) => extractorDisagreement ?? 0));
  const sentences = [
    sweep === null ? "" : `s1's three measures over ${sweep.settings} settings. ${measures(sweep)}`,
    rejectionSweep === null
      ? ""
      : `Rejection sampling, over ${rejectionSweep.settings} caps and the ${counted(rejectionSweep.questions, "question")} that none gave up: ${measures(rejectionSweep)}`,
    unscored === 0
      ? ""
      : `${counted(unscored, "sample")} left out, unscored: no reply was to be had, or sandbox, judge or verifier failed. samples.jsonl says why, line by line.`,
    broken === 0 ? "" : `${counted(broken, "sample")} left out because the reference answer is broken.`,
    disagreeing.length === 0
      ? ""
      : `The two extractors disagree on up to ${percent(worst)} of samples: read some of them before trusting a small difference.`,
    costMicroUsd === 0 ? "" : `Cost: ${dollars(costMicroUsd / 1e6)}.`,
  ].filter(Boolean);
  return sentences.length === 0 ? [] : ["", ...sentences.flatMap(wrapped)];
}

/** s1's three numbers in words. */
function measures({ pointsPerDoubling, scalingInterval, control, performance }: SweepSummary): string {
  const interval =
    scalingInterval === null ? "" : ` (95 % interval ${signed(scalingInterval[0])} to ${signed(scalingInterval[1])})`;
  return `Scaling: ${signed(pointsPerDoubling)} points for each doubling of thinking tokens${interval}. Control: ${percent(control, 0)} of settings within their budget. Performance: ${percent(performance)}, the best of them.`;
}

/** Published rows that are shown on each side of the own figure, beside the best one and s1's. */
const NEIGHBOURS = 3;

/** Others' figures, best first, with this model's in its place among them; of many rows the nearest. */
function publishedLines(published: readonly PublishedResult[], own: SettingSummary | undefined): string[] {
  const [first] = published;
  if (first === undefined) return [];
  const value = own?.accuracy.value ?? null;
  const shown = nearest(published, value);
  const others = shown.map((row) => {
    const accuracy = row.accuracyPercent / 100;
    // What stands in brackets is for whoever reads --json.
    const name = [row.model, row.setting?.replace(/ \(.*\)$/, "")].filter(Boolean).join(", ");
    return { accuracy, name, right: `${row.accuracyPercent.toFixed(1)} %`, interval: intervalFromN(row) };
  });
  const ours =
    value === null
      ? []
      : [{ accuracy: value, name: OURS, right: percent(value), interval: own?.accuracy.interval ?? null }];
  const columns = [
    { label: "published by others", width: 38 },
    { label: "".padEnd(BAR_CELLS), width: BAR_CELLS },
    { label: "right", width: 7 },
    { label: "interval", width: 9 },
  ];
  const rows = [...others, ...ours]
    .sort((a, b) => b.accuracy - a.accuracy)
    .map(({ accuracy, name, right, interval }) => [
      oneLine(name, 38),
      bar(accuracy).padEnd(BAR_CELLS),
      right,
      percentInterval(interval, 0),
    ]);
  const { title, arxiv } = first.source;
  const left = published.length - shown.length;
  const more = left === 0 ? "" : ` ${counted(left, "row")} further off: --json.`;
  return [
    "",
    ...textTable(columns, rows),
    ...wrapped(
      `Published, not measured here: ${title} (arXiv ${arxiv}), as of ${first.asOf}. It prints no intervals; those beside its figures are ours, Wilson's from n = ${first.n}. Prompts, budgets and graders differ.${more}`,
    ),
  ];
}

const OURS = "> this model, measured here";

/** The best row, s1's own, and those next to a figure (0 to 1) on either side; in the order given, best first. */
function nearest(published: readonly PublishedResult[], value: number | null): readonly PublishedResult[] {
  const place = published.filter((row) => row.accuracyPercent / 100 > (value ?? 1)).length;
  const isNear = (at: number): boolean => at >= place - NEIGHBOURS && at < place + NEIGHBOURS;
  return published.filter((row, at) => at === 0 || row.model === "s1-32B" || isNear(at));
}
