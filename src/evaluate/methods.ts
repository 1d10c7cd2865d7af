/**
 * @file Ways to spend tokens on a question, each with what it spends and what it gives: one reply under a setting (thinking longer,
 * "Wait": in sequence), or several samples of the natural end in parallel, of which a vote, the likeliest answer or the shortest thinking decides.
 */
import { differenceInterval } from "../core/statistics/clustered-mean.ts";
import { bestAtK, type RankedSample } from "../core/statistics/best-at-k.ts";
import { mean } from "../core/statistics/intervals.ts";
import { majorityAtK } from "../core/statistics/majority-at-k.ts";
import { passAtK } from "../core/statistics/pass-at-k.ts";
import type { EqualTokens, MethodRow, ShareEstimate } from "../schema/evaluation-summary.ts";
import type { EvaluationRow } from "./evaluation-rows.ts";
import { votesAtEqualTokens } from "./majority-replies.ts";
import {
  accuracyValue,
  byQuestion,
  bySetting,
  isRight,
  naturalBudget,
  type QuestionRows,
  rightShare,
  type SettingRows,
} from "./paired-questions.ts";
import { asGreedy, settingKind } from "./settings.ts";
import { ballotOf, estimateAtK, estimateShare, hasVotes, stepsOfK } from "./share-estimate.ts";

/**
 * Every setting with one reply a question, in the order of the sweep; then, where the natural end was sampled several times, vote,
 * best of n and pass@k over 2, 4, ... and all samples of it. Tokens are means over all rows, scored or not.
 * @param key names the random streams of drawn votes
 */
export function methodRows(rows: readonly EvaluationRow[], key: string): MethodRow[] {
  const settings = bySetting(rows);
  const kindOf = kindWithin(settings);
  const single = settings.map((group): MethodRow => {
    const scored = byQuestion(group.rows);
    const samples = scored.reduce((sum, { rows: own }) => sum + own.length, 0);
    return methodRow(group, {
      kind: kindOf(group),
      samples: 1,
      accuracy: estimateShare(scored.map(accuracyValue), samples),
    });
  });
  const sampled = mostSampled(settings);
  return sampled === undefined ? single : [...single, ...parallelRows(sampled, key)];
}

/** "Wait" against a vote over as many samples as its tokens would have bought, fewest waits first; empty without either. */
export function equalTokens(rows: readonly EvaluationRow[], key: string): EqualTokens[] {
  const settings = bySetting(rows);
  const kindOf = kindWithin(settings);
  const sampled = mostSampled(settings);
  const samples = sampled === undefined ? [] : byQuestion(sampled.rows);
  if (sampled === undefined || !hasVotes(samples)) return [];
  return settings
    .filter((group) => kindOf(group) === "wait")
    .map((waited) => againstVote(waited, { sampled, samples, key }));
}

function kindWithin(settings: readonly SettingRows[]) {
  const natural = naturalBudget(settings.map(({ setting }) => setting));
  return ({ setting }: SettingRows) => {
    const kind = settingKind(asGreedy(setting), natural);
    if (kind === "sampled") throw new Error("bug in grappa: a setting without a temperature is sampled");
    return kind;
  };
}

/** The natural end that has the most samples a question; undefined where it has one. */
function mostSampled(settings: readonly SettingRows[]): SettingRows | undefined {
  const kindOf = kindWithin(settings);
  const perQuestion = ({ rows }: SettingRows): number => Math.max(0, ...stepsOfK(byQuestion(rows)));
  const [most] = settings
    .filter((group) => kindOf(group) === "natural" && perQuestion(group) > 1)
    .sort((a, b) => perQuestion(b) - perQuestion(a));
  return most;
}

function parallelRows(sampled: SettingRows, key: string): MethodRow[] {
  const all = byQuestion(sampled.rows);
  const canVote = hasVotes(all);
  const answers = all.flatMap(({ rows }) => rows.filter(givesAnswer));
  const hasScores = answers.length > 0 && answers.every((row) => row.answerLogprob !== undefined);
  return stepsOfK(all)
    .filter((k) => k > 1)
    .flatMap((k) => {
      const questions = all.filter(({ rows }) => rows.length >= k);
      const row = (kind: MethodRow["kind"], of: (question: QuestionRows) => number | null): MethodRow =>
        methodRow(sampled, { kind, samples: k, accuracy: estimateAtK(questions, k, of) });
      return [
        ...(canVote ? [row("vote", (question) => voteOf(question, k, key))] : []),
        ...(hasScores ? [row("likeliest", ({ rows }) => bestAtK(rows.map(byLikelihood), k))] : []),
        row("shortest", ({ rows }) => bestAtK(rows.map(byLength), k)),
        row("oracle", ({ rows }) => passAtK({ n: rows.length, right: rows.filter(isRight).length }, k)),
      ];
    });
}

function voteOf({ questionId, rows }: QuestionRows, k: number, key: string): number | null {
  return majorityAtK(ballotOf(rows), k, `${key}/maj@${k}/${questionId}`);
}

function givesAnswer({ outcome, isTruncated }: EvaluationRow): boolean {
  return outcome !== "no_answer" && !isTruncated;
}

function byLength(row: EvaluationRow): RankedSample {
  return { rank: row.thinkingTokens, hasAnswer: givesAnswer(row), isRight: isRight(row) };
}

function byLikelihood(row: EvaluationRow): RankedSample {
  return { rank: -(row.answerLogprob ?? Number.NEGATIVE_INFINITY), hasAnswer: givesAnswer(row), isRight: isRight(row) };
}

/** Figures of a way that takes so many samples of a setting. */
function methodRow(
  { setting, rows }: SettingRows,
  {
    kind,
    samples,
    accuracy,
  }: { readonly kind: MethodRow["kind"]; readonly samples: number; readonly accuracy: ShareEstimate },
): MethodRow {
  const spentTokens = samples * mean(rows.map((row) => row.spentTokens));
  const costMicroUsd = samples * mean(rows.map((row) => row.costMicroUsd));
  const perRight = (spent: number): number | null => (accuracy.value ? spent / accuracy.value : null);
  return {
    kind,
    setting,
    samples,
    spentTokens,
    costMicroUsd,
    accuracy,
    tokensPerRight: perRight(spentTokens),
    microUsdPerRight: perRight(costMicroUsd),
  };
}

interface Sampled {
  readonly sampled: SettingRows;
  /** Its scored samples. */
  readonly samples: readonly QuestionRows[];
  readonly key: string;
}

function againstVote(waited: SettingRows, { sampled, samples, key }: Sampled): EqualTokens {
  const waitTokens = mean(waited.rows.map((row) => row.spentTokens));
  const sampleTokens = mean(sampled.rows.map((row) => row.spentTokens));
  const votes = votesAtEqualTokens(sampleTokens, waitTokens);
  const underWait = new Map(byQuestion(waited.rows).map((question) => [question.questionId, question]));
  const pairs = samples.flatMap((question) => {
    const other = underWait.get(question.questionId);
    if (other === undefined || question.rows.length < votes) return [];
    const [wait, vote] = [rightShare(other.rows), voteOf(question, votes, key) ?? 0];
    return [{ wait, vote, value: wait - vote, cluster: question.cluster, samples: 1 }];
  });
  const isKnown = pairs.length > 0;
  const named = differenceInterval(pairs);
  return {
    waits: waited.setting.waits,
    waitTokens,
    votes,
    voteTokens: votes * sampleTokens,
    questions: pairs.length,
    waitAccuracy: isKnown ? mean(pairs.map(({ wait }) => wait)) : null,
    voteAccuracy: isKnown ? mean(pairs.map(({ vote }) => vote)) : null,
    difference: isKnown ? mean(pairs.map(({ value }) => value)) : null,
    interval: named?.interval ?? null,
  };
}
