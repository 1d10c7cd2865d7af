/** @file What an evaluation found: accuracy with its interval, what stands behind "wrong", and what more samples give. */
import { quantile } from "../core/statistics/bootstrap.ts";
import { clusteredMean, type QuestionValue, shareInterval } from "../core/statistics/clustered-mean.ts";
import { mean } from "../core/statistics/intervals.ts";
import { type Ballot, majorityAtK } from "../core/statistics/majority-at-k.ts";
import { passAllAtK, passAtK } from "../core/statistics/pass-at-k.ts";
import type {
  AtK,
  EvaluationSummary,
  FailureRates,
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
  rightShare,
  type SettingRows,
} from "./paired-questions.ts";
import { sweepSummary } from "./scaling.ts";
import { settingKey } from "./settings.ts";

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
    accuracy: estimate(questions.map(accuracyValue), scored.length),
    completed: completedAccuracy(scored),
    unscored: count("unscored"),
    goldErrors: count("gold_error"),
    rates: failureRates(scored),
    extractorDisagreement: shareOf(compared, (row) => isRight(row) !== (row.flexibleOutcome === "correct")),
    extractorPairs: compared.length,
    atK: atEachK(questions, key),
    thinkingTokens: tokenFigures(rows),
    costMicroUsd: totalCost(rows),
  };
}

/** The mean over questions with its interval. */
function estimate(values: readonly QuestionValue[], samples: number): ShareEstimate {
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

/** Accuracy among samples that ended by themselves and gave an answer: what the token limit did not spoil. */
function completedAccuracy(scored: readonly EvaluationRow[]): ShareEstimate {
  const completed = scored.filter(({ isTruncated, outcome }) => !isTruncated && outcome !== "no_answer");
  return estimate(byQuestion(completed).map(accuracyValue), completed.length);
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

/** k = 1, 2, 4, ... and the most samples that a question has; over the questions that have as many. */
function atEachK(questions: readonly QuestionRows[], key: string): AtK[] {
  const most = questions.reduce((found, { rows }) => Math.max(found, rows.length), 0);
  const steps: number[] = [];
  for (let k = 1; k < most; k *= 2) steps.push(k);
  if (most > 0) steps.push(most);
  return steps.map((k) => atK(questions, k, `${key}/maj@${k}`));
}

function atK(all: readonly QuestionRows[], k: number, key: string): AtK {
  const questions = all.filter(({ rows }) => rows.length >= k);
  const samples = questions.reduce((sum, { rows }) => sum + rows.length, 0);
  const values = (of: (question: QuestionRows) => number | null): QuestionValue[] =>
    questions.map((question) => ({
      value: of(question) ?? 0,
      cluster: question.cluster,
      // n samples hold n / k sets of k that share none: no more observations than that.
      samples: question.rows.length / k,
    }));
  const counts = ({ rows }: QuestionRows) => ({ n: rows.length, right: rows.filter(isRight).length });
  // Verifiers without canonical answers (code) leave nothing to vote on.
  const hasVotes = questions.some(({ rows }) => rows.some(({ answerClass }) => answerClass !== null));
  const majority = (question: QuestionRows) => majorityAtK(ballotOf(question.rows), k, `${key}/${question.questionId}`);
  return {
    k,
    questions: questions.length,
    pass: estimate(
      values((question) => passAtK(counts(question), k)),
      samples,
    ),
    passAll: mean(questions.map((question) => passAllAtK(counts(question), k) ?? 0)),
    majority: hasVotes ? estimate(values(majority), samples) : estimate([], 0),
  };
}

function ballotOf(rows: readonly EvaluationRow[]): Ballot {
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

function tokenFigures(rows: readonly EvaluationRow[]): SettingSummary["thinkingTokens"] {
  if (rows.length === 0) return null;
  const sorted = rows.map(({ thinkingTokens }) => thinkingTokens).sort((a, b) => a - b);
  return { mean: mean(sorted), median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9) };
}

function totalCost(rows: readonly EvaluationRow[]): number {
  return rows.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0);
}
