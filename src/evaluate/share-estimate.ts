/** @file A share of right answers over questions, with its interval; and the votes of a question. */
import { clusteredMean, type QuestionValue, shareInterval } from "../core/statistics/clustered-mean.ts";
import type { Ballot } from "../core/statistics/majority-at-k.ts";
import type { ShareEstimate } from "../schema/evaluation-summary.ts";
import type { EvaluationRow } from "./evaluation-rows.ts";
import { type QuestionRows, rightShare } from "./paired-questions.ts";

/** The mean over questions with its interval. */
export function estimateShare(values: readonly QuestionValue[], samples: number): ShareEstimate {
  const summary = clusteredMean(values);
  const named = shareInterval(values);
  return {
    questions: values.length,
    clusters: summary?.clusters ?? 0,
    samples,
    value: summary === null ? null : Math.min(1, Math.max(0, summary.mean)),
    interval: named?.interval ?? null,
    method: named?.method ?? null,
  };
}

/** The same of a figure that `k` samples of a question give, over questions with as many. */
export function estimateAtK(
  questions: readonly QuestionRows[],
  k: number,
  of: (question: QuestionRows) => number | null,
): ShareEstimate {
  const values = questions.map((question) => ({
    value: of(question) ?? 0,
    cluster: question.cluster,
    // n samples hold n / k sets of k that share none: no more observations than that.
    samples: question.rows.length / k,
  }));
  return estimateShare(
    values,
    questions.reduce((sum, { rows }) => sum + rows.length, 0),
  );
}

/** A question's votes by answer class; samples without one do not vote. */
export function ballotOf(rows: readonly EvaluationRow[]): Ballot {
  const classes = new Map<string, EvaluationRow[]>();
  for (const row of rows) {
    if (row.answerClass !== null) classes.set(row.answerClass, [...(classes.get(row.answerClass) ?? []), row]);
  }
  const named = [...classes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, voters]) => voters);
  return {
    classes: named.map((voters) => ({ votes: voters.length, rightShare: rightShare(voters) })),
    silent: rows.filter(({ answerClass }) => answerClass === null).length,
  };
}

/** Whether there is anything to vote on: verifiers without canonical answers (code) leave nothing. */
export function hasVotes(questions: readonly QuestionRows[]): boolean {
  return questions.some(({ rows }) => rows.some(({ answerClass }) => answerClass !== null));
}

/** k = 1, 2, 4, ... and the most samples that a question has. */
export function stepsOfK(questions: readonly QuestionRows[]): number[] {
  const most = questions.reduce((found, { rows }) => Math.max(found, rows.length), 0);
  const steps: number[] = [];
  for (let k = 1; k < most; k *= 2) steps.push(k);
  if (most > 0) steps.push(most);
  return steps;
}
