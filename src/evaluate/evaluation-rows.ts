/** @file The rows that summaries and comparisons are made of, and where they come from: an evaluation's log, or a run. */
import type { EvaluationSample } from "../schema/evaluation.ts";
import type { Completion, GradeOutcome, RejectedTries, ThinkingSetting } from "../schema/records.ts";

/** One graded sample, as far as statistics are concerned. */
export interface EvaluationRow {
  readonly questionId: string;
  /** Questions of one cluster are not independent; the question's own id where it stands alone. */
  readonly cluster: string;
  readonly setting: ThinkingSetting;
  readonly sampleIndex: number;
  readonly outcome: GradeOutcome;
  /** What the more lenient extractor says; null where there is only one. */
  readonly flexibleOutcome: GradeOutcome | null;
  /** The answer's equivalence class, for a vote; null does not vote. */
  readonly answerClass: string | null;
  readonly thinkingTokens: number;
  /** All that was generated for the sample: thinking, answer, and what rejection sampling threw away. */
  readonly spentTokens: number;
  /** Mean log-probability of the answer's tokens, where the model told it. */
  readonly answerLogprob?: number;
  /** Of rejection sampling alone. */
  readonly rejection?: RejectedTries;
  /** The answer, or thinking without an answer, was cut by the token limit. */
  readonly isTruncated: boolean;
  /** Thinking reached its cap and an answer was forced. */
  readonly isThinkingCut: boolean;
  readonly costMicroUsd: number;
}

/** Outcomes that say nothing of the model: its reference, the sandbox or the judge failed. */
export function isScored(outcome: GradeOutcome): boolean {
  return outcome !== "gold_error" && outcome !== "unscored";
}

/** A line of an evaluation's log as a row. */
export function rowOfSample(sample: EvaluationSample): EvaluationRow {
  const { questionId, cluster, setting, sampleIndex, thinkingTokens, isThinkingCut, costMicroUsd, verdict } = sample;
  const { rejection, answerLogprob } = sample;
  return {
    questionId,
    cluster,
    setting,
    sampleIndex,
    outcome: verdict.outcome,
    flexibleOutcome: verdict.flexible?.outcome ?? null,
    answerClass: verdict.canonical,
    thinkingTokens,
    spentTokens: sample.completionTokens + (rejection?.thrownAwayTokens ?? 0),
    ...(answerLogprob === undefined ? {} : { answerLogprob }),
    ...(rejection === undefined ? {} : { rejection }),
    isTruncated: sample.finishReason === "length",
    isThinkingCut,
    costMicroUsd,
  };
}

/**
 * A completion of a run's evaluate stage as a row. Its questions stand alone, its answers are compared as extracted (the
 * families' answers are canonical already), and it cost nothing: the embedded engine made it.
 */
export function rowOfCompletion(completion: Completion): EvaluationRow {
  const { questionId, setting, sampleIndex, thinkingTokens, grade, rejection } = completion;
  return {
    questionId,
    cluster: questionId,
    setting,
    sampleIndex,
    outcome: grade.outcome,
    flexibleOutcome: null,
    answerClass: grade.extracted,
    thinkingTokens,
    spentTokens: thinkingTokens + completion.answerTokens + (rejection?.thrownAwayTokens ?? 0),
    ...(rejection === undefined ? {} : { rejection }),
    isTruncated: completion.answerFinish === "length",
    isThinkingCut: completion.end === "cut",
    costMicroUsd: 0,
  };
}
