/** @file An evaluation as terminal text: accuracy with its interval, what stands behind "wrong", votes, others' figures. */
import { naturalBudget } from "../evaluate/paired-questions.ts";
import { intervalFromN } from "../evaluate/published/published-for.ts";
import type { PublishedResult } from "../evaluate/published/published-result.ts";
import { settingKind } from "../evaluate/settings.ts";
import type { EvaluationHeading, EvaluationSummary, SettingSummary } from "../schema/evaluation-summary.ts";
import { count, dollars, percent, percentInterval, signed } from "./number-format.ts";
import { oneLine } from "./plain-text.ts";
import { settingLabel } from "./settings.ts";
import { bar, BAR_CELLS, textTable, wrapped } from "./terminal-text.ts";

const LABEL = 27;

/**
 * What `grappa evaluate` prints when it is done. Names come from outside: control characters in them cannot reach the terminal.
 * @param published others' figures on the same task, best first; may be empty
 */
export function evaluationLines(
  summary: EvaluationSummary,
  { task, model, samplesPerQuestion }: EvaluationHeading,
  published: readonly PublishedResult[],
): readonly string[] {
  const { settings } = summary;
  const label = labeller(settings);
  const asked = `${count(task.questions)} questions, ${samplesPerQuestion === 1 ? "one sample" : `${count(samplesPerQuestion)} samples`} each`;
  return [
    ...wrapped(`${oneLine(model.name, 60)} on ${oneLine(task.name, 40)} (${oneLine(task.version, 20)}): ${asked}.`),
    "",
    ...accuracyLines(settings, label),
    "",
    ...failureLines(settings, label),
    ...settings.flatMap((setting) => voteLines(setting, label(setting))),
    ...notes(summary),
    ...publishedLines(published, settings),
  ];
}

type Labeller = (summary: SettingSummary) => string;

function labeller(settings: readonly SettingSummary[]): Labeller {
  const natural = naturalBudget(settings.map(({ setting }) => setting));
  return ({ setting }) => oneLine(settingLabel(setting, natural), LABEL);
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

function voteLines(summary: SettingSummary, label: string): string[] {
  const steps = summary.atK.filter(({ k }) => k > 1);
  if (steps.length === 0) return [];
  const columns = [
    { label, width: LABEL },
    { label: "pass@k", width: 8 },
    { label: "95 % interval", width: 14 },
    { label: "maj@k", width: 8 },
    { label: "all right", width: 10 },
  ];
  const rows = summary.atK.map(({ k, pass, passAll, majority }) => [
    `k = ${k}`,
    percent(pass.value),
    percentInterval(pass.interval),
    percent(majority.value),
    percent(passAll),
  ]);
  return ["", ...textTable(columns, rows)];
}

function notes({ settings, sweep, costMicroUsd }: EvaluationSummary): string[] {
  const total = (of: (summary: SettingSummary) => number): number => settings.reduce((sum, one) => sum + of(one), 0);
  const [unscored, broken] = [total((one) => one.unscored), total((one) => one.goldErrors)];
  const disagreeing = settings.filter(({ extractorDisagreement }) => (extractorDisagreement ?? 0) > 0);
  const worst = Math.max(0, ...disagreeing.map(({ extractorDisagreement }) => extractorDisagreement ?? 0));
  const interval = (ends: readonly [number, number] | null, text: (end: number) => string): string =>
    ends === null ? "" : ` (95 % interval ${text(ends[0])} to ${text(ends[1])})`;
  const sentences = [
    sweep === null
      ? ""
      : `s1's three measures over ${sweep.settings} settings. Scaling: ${signed(sweep.pointsPerDoubling)} points for each doubling of thinking tokens${interval(sweep.scalingInterval, signed)}. Control: ${percent(sweep.control, 0)} of settings within their budget. Performance: ${percent(sweep.performance)}, the best of them.`,
    unscored === 0 ? "" : `${count(unscored)} samples could not be graded (sandbox or judge failed) and are left out.`,
    broken === 0 ? "" : `${count(broken)} samples are left out because their reference answer is broken.`,
    disagreeing.length === 0
      ? ""
      : `The two extractors disagree on up to ${percent(worst)} of samples: read some of them before trusting a small difference.`,
    costMicroUsd === 0 ? "" : `Cost: ${dollars(costMicroUsd / 1e6)}.`,
  ].filter(Boolean);
  return sentences.length === 0 ? [] : ["", ...sentences.flatMap(wrapped)];
}

/** Others' figures, best first, with this model's natural end in its place among them. */
function publishedLines(published: readonly PublishedResult[], settings: readonly SettingSummary[]): string[] {
  const [first] = published;
  if (first === undefined) return [];
  const natural = naturalBudget(settings.map(({ setting }) => setting));
  const own = settings.find(({ setting }) => settingKind(setting, natural) === "natural") ?? settings[0];
  const others = published.map((row) => ({
    accuracy: row.accuracyPercent / 100,
    cells: [
      oneLine([row.model, row.setting].filter(Boolean).join(", "), 38),
      bar(row.accuracyPercent / 100).padEnd(BAR_CELLS),
      `${row.accuracyPercent.toFixed(1)} %`,
      percentInterval(intervalFromN(row), 0),
    ],
  }));
  const value = own?.accuracy.value ?? null;
  const ours =
    value === null
      ? []
      : [
          {
            accuracy: value,
            cells: [
              "> this model, measured here",
              bar(value).padEnd(BAR_CELLS),
              percent(value),
              percentInterval(own?.accuracy.interval ?? null, 0),
            ],
          },
        ];
  const rows = [...others, ...ours].sort((a, b) => b.accuracy - a.accuracy).map(({ cells }) => cells);
  const columns = [
    { label: "published by others", width: 38 },
    { label: "".padEnd(BAR_CELLS), width: BAR_CELLS },
    { label: "right", width: 7 },
    { label: "interval", width: 9 },
  ];
  const { title, arxiv } = first.source;
  return [
    "",
    ...textTable(columns, rows),
    ...wrapped(
      `Published, not measured here: ${title} (arXiv ${arxiv}), as of ${first.asOf}. It prints no intervals; those beside its figures are ours, Wilson's from n = ${first.n}. Prompts, budgets and graders differ.`,
    ),
  ];
}
