/** @file What an evaluation found: accuracy with its interval, what stands behind "wrong", and what more samples give. */
import { quantile } from "../core/statistics/bootstrap.ts";
import { mean } from "../core/statistics/intervals.ts";
import { majorityAtK } from "../core/statistics/majority-at-k.ts";
import { passAllAtK, passAtK } from "../core/statistics/pass-at-k.ts";
import type {
  AtK,
  EvaluationSummary,
  FailureRates,
  RejectionFigures,
  SettingSummary,
  ShareEstimate,
} from "../schema/evaluation-summary.ts";
import { type GradeOutcome, SCHEMA_VERSION } from "../schema/records.ts";
import { type EvaluationRow, isScored } from "./evaluation-rows.ts";
import {
  accuracyValue,
  byQuestion,
  bySetting,
  isRight,
  type QuestionRows,
  type SettingRows,
} from "./paired-questions.ts";
import { equalTokens, methodRows } from "./methods.ts";
import { rejectionSweep, sweepSummary } from "./scaling.ts";
import { settingKey } from "./settings.ts";
import { ballotOf, estimateAtK, estimateShare, hasVotes, stepsOfK } from "./share-estimate.ts";

/** What the rows do not say. */
export interface SummaryOptions {
  /** Names the random streams of bootstraps and drawn votes: same rows and key, same summary. */
  readonly key: string;
}

/**
 * The summary of an evaluation, setting by setting. Samples that could not be scored, and those whose reference is broken,
 * say nothing of the model: they are counted and left out of every figure but tokens and cost. Everything else that is not
 * `correct` is wrong. The order of the rows does not matter; nothing here is random but what `key` names.
 */
export function summariseEvaluation(rows: readonly EvaluationRow[], { key }: SummaryOptions): EvaluationSummary {
  const settings = bySetting(rows);
  return {
    schemaVersion: SCHEMA_VERSION,
    settings: settings.map((group) => settingSummary(group, `${key}/${settingKey(group.setting)}`)),
    sweep: sweepSummary(rows, `${key}/sweep`),
    rejectionSweep: rejectionSweep(rows, `${key}/rejection`),
    methods: methodRows(rows, key),
    equalTokens: equalTokens(rows, key),
    costMicroUsd: totalCost(rows),
  };
}

function settingSummary({ setting, rows }: SettingRows, key: string): SettingSummary {
  const scored = rows.filter(({ outcome }) => isScored(outcome));
  const questions = byQuestion(rows);
  const compared = scored.filter(({ flexibleOutcome }) => flexibleOutcome !== null && isScored(flexibleOutcome));
  const count = (outcome: GradeOutcome): number => rows.filter((row) => row.outcome === outcome).length;
  return {
    setting,
    accuracy: estimateShare(questions.map(accuracyValue), scored.length),
    completed: completedAccuracy(scored),
    unscored: count("unscored"),
    goldErrors: count("gold_error"),
    rates: failureRates(scored),
    extractorDisagreement: shareOf(compared, (row) => isRight(row) !== (row.flexibleOutcome === "correct")),
    extractorPairs: compared.length,
    atK: stepsOfK(questions).map((k) => atK(questions, k, `${key}/maj@${k}`)),
    thinkingTokens: tokenFigures(rows.filter(({ rejection }) => rejection?.isGivenUp !== true)),
    rejection: rejectionFigures(rows),
    costMicroUsd: totalCost(rows),
  };
}

/** Accuracy among samples that ended by themselves and gave an answer: what the token limit did not spoil. */
function completedAccuracy(scored: readonly EvaluationRow[]): ShareEstimate {
  const completed = scored.filter(({ isTruncated, outcome }) => !isTruncated && outcome !== "no_answer");
  return estimateShare(byQuestion(completed).map(accuracyValue), completed.length);
}

function failureRates(scored: readonly EvaluationRow[]): FailureRates {
  const rate = (outcome: GradeOutcome) => shareOf(scored, (row) => row.outcome === outcome);
  return {
    truncated: shareOf(scored, ({ isTruncated }) => isTruncated),
    thinkingCut: shareOf(scored, ({ isThinkingCut }) => isThinkingCut),
    noAnswer: rate("no_answer"),
    parseFailure: rate("answer_parse_error"),
    limit: rate("answer_limit"),
    timeout: rate("timeout"),
  };
}

function shareOf(rows: readonly EvaluationRow[], has: (row: EvaluationRow) => boolean): number | null {
  return rows.length === 0 ? null : rows.filter(has).length / rows.length;
}

function atK(all: readonly QuestionRows[], k: number, key: string): AtK {
  const questions = all.filter(({ rows }) => rows.length >= k);
  const counts = ({ rows }: QuestionRows) => ({ n: rows.length, right: rows.filter(isRight).length });
  const majority = (question: QuestionRows) => majorityAtK(ballotOf(question.rows), k, `${key}/${question.questionId}`);
  return {
    k,
    questions: questions.length,
    pass: estimateAtK(questions, k, (question) => passAtK(counts(question), k)),
    passAll: mean(questions.map((question) => passAllAtK(counts(question), k) ?? 0)),
    majority: hasVotes(questions) ? estimateAtK(questions, k, majority) : estimateShare([], 0),
  };
}

/** Null for a setting that rejects nothing. */
function rejectionFigures(rows: readonly EvaluationRow[]): RejectionFigures | null {
  const tried = rows.flatMap(({ questionId, cluster, rejection }) =>
    rejection === undefined ? [] : [{ questionId, cluster, ...rejection }],
  );
  if (tried.length === 0) return null;
  const questions = new Map<string, typeof tried>();
  for (const one of tried) questions.set(one.questionId, [...(questions.get(one.questionId) ?? []), one]);
  const kept = [...questions.values()].map((own) => ({
    value: own.filter(({ isGivenUp }) => !isGivenUp).length / own.length,
    cluster: own[0]?.cluster ?? "",
    samples: own.length,
  }));
  return {
    kept: estimateShare(kept, tried.length),
    givenUp: tried.filter(({ isGivenUp }) => isGivenUp).length,
    tries: mean(tried.map(({ tries }) => tries)),
    thrownAwayTokens: mean(tried.map(({ thrownAwayTokens }) => thrownAwayTokens)),
  };
}

function tokenFigures(rows: readonly EvaluationRow[]): SettingSummary["thinkingTokens"] {
  if (rows.length === 0) return null;
  const sorted = rows.map(({ thinkingTokens }) => thinkingTokens).sort((a, b) => a - b);
  return { mean: mean(sorted), median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9) };
}

function totalCost(rows: readonly EvaluationRow[]): number {
  return rows.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0);
}
