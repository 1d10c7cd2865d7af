/** @file Which questions are neither too easy nor too hard, by what reference students made of them. */
import type { Recipe } from "../schema/recipe.ts";
import type { Attempt, Question } from "../schema/records.ts";
import { partition, type StageResult } from "./stage-result.ts";

/** The questions that are of the difficulty that a recipe wants. */
export function dropByDifficulty(
  questions: readonly Question[],
  attempts: readonly Attempt[],
  { keep, passRate }: Recipe["difficulty"],
): StageResult<Question> {
  return keep === "unsolved" ? dropSolved(questions, attempts) : keepPassRate(questions, attempts, passRate);
}

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
  return partition(questions, STAGE, ({ id }) => {
    const why = reasons.get(id);
    return why === undefined ? null : { id, ...why };
  });
}

const STAGE = "difficulty";

/**
 * The questions that each of these students has tried and been graded on: s1 dropped what lacked a grade, since nobody could tell
 * whether it was hard or merely never answered (s1.md 2.2).
 *
 * @param models names of the students as attempts have them.
 */
export function dropUngraded(
  questions: readonly Question[],
  attempts: readonly Attempt[],
  models: readonly string[],
): StageResult<Question> {
  const graded = new Set(
    attempts.flatMap(({ questionId, model, grade }) =>
      grade.outcome === "unscored" || grade.outcome === "gold_error" ? [] : [`${model}\n${questionId}`],
    ),
  );
  return partition(questions, STAGE, ({ id }) => {
    const missing = models.find((model) => !graded.has(`${model}\n${id}`));
    return missing === undefined ? null : { id, reason: "ungraded-attempt", detail: missing };
  });
}

const REASONS: Partial<Record<Attempt["grade"]["outcome"], string>> = {
  correct: "solved-by-base",
  gold_error: "gold-error",
};

/**
 * The questions of which more than the share `low` and less than the share `high` of all attempts were right, whoever made
 * them. Attempts that could not be graded do not count; a question without any that could is dropped, since nothing is known of it.
 */
function keepPassRate(
  questions: readonly Question[],
  attempts: readonly Attempt[],
  [low, high]: readonly [number, number],
): StageResult<Question> {
  const tallies = new Map<string, Tally>();
  for (const { questionId, grade } of attempts) {
    const tally = tallies.get(questionId) ?? { right: 0, graded: 0, isBroken: false };
    tallies.set(questionId, tally);
    if (grade.outcome === "gold_error") tally.isBroken = true;
    else if (grade.outcome !== "unscored") tally.graded += 1;
    if (grade.outcome === "correct") tally.right += 1;
  }
  return partition(questions, STAGE, ({ id }) => {
    const { right, graded, isBroken } = tallies.get(id) ?? { right: 0, graded: 0, isBroken: false };
    if (isBroken) return { id, reason: "gold-error" };
    if (graded === 0) return { id, reason: "pass-rate-unknown" };
    const detail = `${right} of ${graded} attempts right`;
    const rate = right / graded;
    if (rate >= high) return { id, reason: "too-easy", detail };
    return rate <= low ? { id, reason: "too-hard", detail } : null;
  });
}

interface Tally {
  right: number;
  graded: number;
  isBroken: boolean;
}
