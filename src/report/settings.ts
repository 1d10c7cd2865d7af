/** @file The scores of a run by model, setting and family, and the short names of settings. */
import { compareSettings, settingKey, settingKind } from "../evaluate/settings.ts";
import type { Score, ThinkingSetting } from "../schema/records.ts";
import type { RunResults } from "./run-results.ts";

/** What a reader calls the setting: `direct answer`, `cut at 32`, `natural end`, `1 Wait`, `cut at 64, 1 Wait`, `1 silent end`, `rejected above 64`. */
export function settingLabel(setting: ThinkingSetting, naturalBudgetTokens: number): string {
  if (setting.mode === "direct") return "direct answer";
  if (setting.maxTries !== undefined) return `rejected above ${setting.budgetTokens}`;
  const parts = [
    ...(setting.budgetTokens < naturalBudgetTokens ? [`cut at ${setting.budgetTokens}`] : []),
    ...(setting.waits > 0 ? [forcedLabel(setting)] : []),
  ];
  const sampled = setting.temperature === undefined ? "" : `, sampled at ${setting.temperature}`;
  return `${parts.length === 0 ? "natural end" : parts.join(", ")}${sampled}`;
}

function forcedLabel({ waits, silent }: ThinkingSetting): string {
  const noun = silent ? "silent end" : "Wait";
  return `${waits} ${noun}${waits === 1 ? "" : "s"}`;
}

/** Model and setting in words. The base does not think of its own accord: it was told to, and a row says so. */
export function modelAndSetting(
  { model, setting }: Pick<Score, "model" | "setting">,
  naturalBudgetTokens: number,
): string {
  const label = settingLabel(setting, naturalBudgetTokens);
  if (model === "student" || setting.mode === "direct") return `${model}, ${label}`;
  return label === "natural end" ? "base, told to think" : `base, told to think, ${label}`;
}

/** Scores of one model on all families together, in the order of the sweep. */
export function totals(results: RunResults, model: Score["model"]): readonly Score[] {
  return results.scores
    .filter((score) => score.model === model && score.family === "all")
    .sort((a, b) => compareSettings(a.setting, b.setting, results.naturalBudgetTokens));
}

/** Scores of the same model and setting as `score`, one for each question family. */
export function familiesOf(results: RunResults, score: Score): readonly Score[] {
  const key = settingKey(score.setting);
  return results.scores
    .filter(({ family, model, setting }) => family !== "all" && model === score.model && settingKey(setting) === key)
    .sort((a, b) => (a.family < b.family ? -1 : 1));
}

/** The base at its best: the higher accuracy of its settings (direct, or told to think); undefined if never scored. */
export function bestBase(results: RunResults): Score | undefined {
  const better = (a: Score, b: Score) => ((b.accuracy ?? -1) > (a.accuracy ?? -1) ? b : a);
  const scores = totals(results, "base");
  return scores.length === 0 ? undefined : scores.reduce(better);
}

/** The student thinking to its natural end with no Wait; undefined if never scored. */
export function naturalStudent(results: RunResults): Score | undefined {
  return totals(results, "student").find(
    ({ setting }) => settingKind(setting, results.naturalBudgetTokens) === "natural",
  );
}
