import { shareInterval } from "../core/statistics/clustered-mean.ts";
import { type Interval, mean } from "../core/statistics/intervals.ts";
import { SCHEMA_VERSION, type Completion, type Score } from "../schema/records.ts";
import { isScored, rowOfCompletion } from "./evaluation-rows.ts";
import { accuracyValue, byQuestion } from "./paired-questions.ts";
import { compareSettings, settingKey } from "./settings.ts";

/** How {@link scoreCompletions} gets its intervals, for a report's small print. */
export const INTERVAL_METHOD =
  "Wilson score, 95 % (with the effective number of trials where a question was sampled more than once)";

/** What the completions alone do not say. */
export interface ScoreContext {
  /** The family of each question by its id; one without is counted under `all` only. */
  readonly familyOf: (questionId: string) => string | undefined;
  readonly contextTokens: number;
}

/**
 * Accuracy of every model at every setting, over all questions (`all`) and in each family: base before student, settings
 * in the order of the sweep, `all` first. Rows whose reference answer is broken (`gold_error`) or that
 * could not be graded (`unscored`) are not scored: they say nothing about the model. Everything else that is not `correct` counts as wrong, and no answer is also shown apart.
 */
export function scoreCompletions(completions: readonly Completion[], context: ScoreContext): Score[] {
  const groups = new Map<string, { family: string; rows: Completion[] }>();
  for (const completion of completions) {
    const family = context.familyOf(completion.questionId);
    for (const name of family === undefined ? ["all"] : ["all", family]) {
      const key = `${completion.model}/${settingKey(completion.setting)}/${name}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { family: name, rows: [completion] });
      else group.rows.push(completion);
    }
  }
  return [...groups.values()]
    .map(({ family, rows }) => scoreGroup(rows, family))
    .sort((a, b) => compareScores(a, b, context.contextTokens));
}

function scoreGroup(group: readonly Completion[], family: string): Score {
  const { model, setting } = group[0] as Completion;
  const scored = group.filter((completion) => isScored(completion.grade.outcome));
  const correct = scored.filter(isCorrect).length;
  const share = (has: (completion: Completion) => boolean) => group.filter(has).length / group.length;
  return {
    schemaVersion: SCHEMA_VERSION,
    model,
    setting,
    family,
    n: scored.length,
    correct,
    accuracy: scored.length === 0 ? null : correct / scored.length,
    interval: accuracyInterval(scored),
    thinkingTokens: mean(
      group.map(({ thinkingTokens, rejection }) => thinkingTokens + (rejection?.thrownAwayTokens ?? 0)),
    ),
    cutShare: share((completion) => completion.end === "cut"),
    noAnswerShare: share((completion) => completion.grade.outcome === "no_answer"),
  };
}

/**
 * Wilson's interval where each question was asked once. Where one was sampled several times its samples are not independent
 * (pooled intervals cover 26 to 65 % instead of 95), so the questions' means are the data: docs/evaluation-statistics.md.
 */
function accuracyInterval(scored: readonly Completion[]): Interval | null {
  const questions = byQuestion(scored.map(rowOfCompletion));
  return shareInterval(questions.map(accuracyValue))?.interval ?? null;
}

/** Whether a grader called the completion correct. */
export function isCorrect(completion: Completion): boolean {
  return completion.grade.outcome === "correct";
}

function compareScores(a: Score, b: Score, contextTokens: number): number {
  if (a.model !== b.model) return a.model === "base" ? -1 : 1;
  const bySetting = compareSettings(a.setting, b.setting, contextTokens);
  if (bySetting !== 0 || a.family === b.family) return bySetting;
  if (a.family === "all" || b.family === "all") return a.family === "all" ? -1 : 1;
  return a.family < b.family ? -1 : 1;
}
