/** @file Rows brought together by question, for means over questions and for pairs of them. */
import type { QuestionValue } from "../core/statistics/clustered-mean.ts";
import type { ThinkingSetting } from "../schema/records.ts";
import { type EvaluationRow, isScored } from "./evaluation-rows.ts";
import { compareSettings, settingKey } from "./settings.ts";

/** One question's scored samples, by sample index. */
export interface QuestionRows {
  readonly questionId: string;
  readonly cluster: string;
  readonly rows: readonly EvaluationRow[];
}

/** One setting with all its rows. */
export interface SettingRows {
  readonly setting: ThinkingSetting;
  readonly rows: readonly EvaluationRow[];
}

/** Rows by setting, in the order of a sweep; the largest budget of all counts as a natural end. */
export function bySetting(rows: readonly EvaluationRow[]): SettingRows[] {
  const groups = new Map<string, { setting: ThinkingSetting; rows: EvaluationRow[] }>();
  for (const row of rows) {
    const key = settingKey(row.setting);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { setting: row.setting, rows: [row] });
    else group.rows.push(row);
  }
  const contextTokens = naturalBudget([...groups.values()].map(({ setting }) => setting));
  return [...groups.values()].sort((a, b) => compareSettings(a.setting, b.setting, contextTokens));
}

/** The largest budget among settings: what a natural end has. */
export function naturalBudget(settings: readonly ThinkingSetting[]): number {
  return settings.reduce((most, { budgetTokens }) => Math.max(most, budgetTokens), 0);
}

/** Scored rows by question, sorted by id, each question's by sample index: the order of the input does not matter. */
export function byQuestion(rows: readonly EvaluationRow[]): QuestionRows[] {
  const questions = new Map<string, EvaluationRow[]>();
  for (const row of rows) {
    if (!isScored(row.outcome)) continue;
    const earlier = questions.get(row.questionId);
    if (earlier === undefined) questions.set(row.questionId, [row]);
    else earlier.push(row);
  }
  return [...questions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([questionId, unordered]) => {
      const ordered = unordered.sort((a, b) => a.sampleIndex - b.sampleIndex);
      return { questionId, cluster: ordered[0]?.cluster ?? questionId, rows: ordered };
    });
}

/** Whether a grader called the sample correct. */
export function isRight(row: EvaluationRow): boolean {
  return row.outcome === "correct";
}

/** Share of a question's samples that are right. */
export function rightShare(rows: readonly EvaluationRow[]): number {
  return rows.filter(isRight).length / rows.length;
}

/** A question's share of right samples as a value for a mean over questions. */
export function accuracyValue({ cluster, rows }: QuestionRows): QuestionValue {
  return { value: rightShare(rows), cluster, samples: rows.length };
}
