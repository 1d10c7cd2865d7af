import type { Attempt, Question } from "../schema/records.ts";
import { partition, type StageResult } from "./stage-result.ts";

/**
 * The questions that no attempt solved: what a reference student can do already is too easy to learn from (s1 dropped
 * what either of its two solved). An attempt at a question whose reference is broken drops it too: nobody could be
 * graded on it. Questions without attempts are kept.
 */
export function dropSolved(questions: readonly Question[], attempts: readonly Attempt[]): StageResult<Question> {
  const telling = attempts.flatMap((attempt) => {
    const reason = REASONS[attempt.grade.outcome];
    const detail = `${attempt.model}, ${attempt.mode}, sample ${attempt.sampleIndex}`;
    return reason === undefined ? [] : [{ questionId: attempt.questionId, reason, detail }];
  });
  // The last entry of a question wins, and must not depend on the order of the attempts: solved before broken, then by text.
  telling.sort((a, b) => (`${a.reason} ${a.detail}` < `${b.reason} ${b.detail}` ? -1 : 1));
  const reasons = new Map(telling.map(({ questionId, ...why }) => [questionId, why]));
  return partition(questions, "difficulty", ({ id }) => {
    const why = reasons.get(id);
    return why === undefined ? null : { id, ...why };
  });
}

const REASONS: Partial<Record<Attempt["grade"]["outcome"], string>> = {
  correct: "solved-by-base",
  gold_error: "gold-error",
};
