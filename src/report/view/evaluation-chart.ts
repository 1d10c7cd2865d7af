/** @file Accuracy against thinking of one evaluation: budgets and Waits in sequence, votes in parallel, rejection sampling. */
import type { EvaluationSummary, MethodRow, SettingSummary } from "../../schema/evaluation-summary.ts";
import { naturalBudget } from "../../evaluate/paired-questions.ts";
import { asGreedy, settingKey } from "../../evaluate/settings.ts";
import { percent } from "../number-format.ts";
import { settingLabel } from "../settings.ts";
import { type AccuracyChartData, type AccuracyPoint, describeAccuracy } from "./accuracy-data.ts";

/** The chart of an evaluation; what was never scored, and what is no way to spend thinking (a bound, a silent end), is left out. */
export function evaluationChart({ settings, methods }: EvaluationSummary): AccuracyChartData {
  const natural = naturalBudget(settings.map(({ setting }) => setting));
  const thinking = new Map(settings.map((summary) => [settingKey(summary.setting), meanThinking(summary)]));
  const points = methods.flatMap((row): AccuracyPoint[] => {
    const { kind, setting, samples, accuracy } = row;
    const tokens = thinking.get(settingKey(setting)) ?? null;
    if (kind === "silent" || kind === "oracle" || kind === "shortest" || kind === "likeliest") return [];
    if (accuracy.value === null || tokens === null) return [];
    const label = pointLabel(row, natural);
    const figures = { accuracy: accuracy.value, interval: accuracy.interval, thinkingTokens: samples * tokens };
    return [{ kind, setting: settingKey(setting), label, shortLabel: label, ...figures }];
  });
  const n = Math.max(0, ...settings.map(({ accuracy }) => accuracy.questions));
  const data = { points, base: null, n, questions: "questions" };
  return { ...data, description: describeAccuracy(data) };
}

/** Tokens thought for a sample, those that were thrown away too. */
function meanThinking({ thinkingTokens, rejection }: SettingSummary): number | null {
  if (rejection === null) return thinkingTokens?.mean ?? null;
  const { kept, givenUp, thrownAwayTokens } = rejection;
  return (thinkingTokens?.mean ?? 0) * (1 - givenUp / kept.samples) + thrownAwayTokens;
}

function pointLabel({ kind, setting, samples, accuracy }: MethodRow, natural: number): string {
  if (kind === "vote") return `vote of ${samples}`;
  const label = settingLabel(asGreedy(setting), natural);
  return kind === "natural" || kind === "wait" ? `${label} ${percent(accuracy.value, 0)}` : label;
}
