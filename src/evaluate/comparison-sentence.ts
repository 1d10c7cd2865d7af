/** @file One plain sentence on a comparison, true as it stands alone. */
import type { ComparisonRow, NextStep } from "../schema/evaluation-summary.ts";
import { pText, signed, SIGNIFICANCE } from "./verdict.ts";

/** Who is compared, and among how many comparisons. */
export interface SentenceContext {
  readonly first: string;
  readonly second: string;
  readonly comparisons: number;
}

/**
 * For example: `B is 3.3 points above A (95 % interval −4.1 to +10.7; p = 0.37): not distinguishable at 30 questions; about 4
 * more seeds would settle it, for about $1.20 at what these cost.`
 */
export function comparisonSentence(row: Omit<ComparisonRow, "sentence">, context: SentenceContext): string {
  const { difference, interval, pValue, adjustedPValue, clean } = row;
  const { first, second } = context;
  if (difference === null || interval === null || pValue === null || adjustedPValue === null) {
    return `${first} and ${second} have no scored question in common, so nothing can be said.`;
  }
  const spread = `95 % interval ${signed(interval[0])} to ${signed(interval[1])}`;
  const corrected = context.comparisons > 1 ? ` after Holm's correction for ${context.comparisons} comparisons` : "";
  const evidence = `${spread}; ${pText(adjustedPValue)}${corrected}`;
  const questions = row.questions === 1 ? "1 question" : `${grouped(row.questions)} questions`;
  const isTold = adjustedPValue < SIGNIFICANCE;
  const call = `${isTold ? "distinguishable" : "not distinguishable"} at ${questions}`;
  const sentence = `${position(difference, context)} (${evidence}): ${call}${advice(row)}.`;
  return [sentence, edge(row, isTold), contaminated(clean, row.questions)].filter(Boolean).join(" ");
}

function position(difference: number, { first, second }: SentenceContext): string {
  const size = Math.abs(100 * difference).toFixed(1);
  if (Number(size) === 0) return `${second} and ${first} are equally often right`;
  return `${second} is ${size} ${size === "1.0" ? "point" : "points"} ${difference > 0 ? "above" : "below"} ${first}`;
}

function advice({ next, minimalDetectableEffect }: Omit<ComparisonRow, "sentence">): string {
  switch (next.kind) {
    case "settled":
      return "";
    case "more-samples":
      return `; about ${grouped(next.samples)} more ${next.samples === 1 ? "seed" : "seeds"} would settle it${price(next)}`;
    case "more-questions":
      return `; ${questionAdvice(next)}`;
    case "none": {
      if (next.reason === "too-few-questions") return "; so few questions cannot tell";
      const seen =
        minimalDetectableEffect === null ? "" : `, and only one of ${points(minimalDetectableEffect)} or more`;
      return `; no difference was seen${seen} would probably have been`;
    }
  }
}

function questionAdvice(next: Extract<NextStep, { kind: "more-questions" }>): string {
  const needed = `about ${roughly(next.questions)} more questions`;
  switch (next.reason) {
    case "between-questions":
      return `more seeds cannot settle it, ${needed} would${price(next)}`;
    case "greedy":
      return `greedy replies do not vary, so only more questions would settle it, ${needed}${price(next)}`;
    case "one-sample":
      return `${needed} would settle it${price(next)}; whether more seeds would, a second seed can tell`;
  }
}

function price({ costMicroUsd }: { readonly costMicroUsd: number | null }): string {
  if (costMicroUsd === null) return "";
  const usd = costMicroUsd / 1e6;
  return `, for ${usd < 0.01 ? "less than $0.01" : `about $${usd.toFixed(2)}`} at what these cost`;
}

/** Test and interval are made differently: at the edge they may part. */
function edge({ interval }: Pick<ComparisonRow, "interval">, isTold: boolean): string {
  const leavesOutZero = interval !== null && (interval[0] > 0 || interval[1] < 0);
  if (leavesOutZero === isTold) return "";
  return `The interval ${leavesOutZero ? "leaves out" : "takes in"} 0, but the test decides.`;
}

function contaminated(clean: ComparisonRow["clean"], questions: number): string {
  if (clean === null) return "";
  const count = questions - clean.questions;
  const found = `${grouped(count)} of these questions ${count === 1 ? "occurs" : "occur"} in training text`;
  return clean.difference === null
    ? `Contaminated: ${found}, and none is left without them.`
    : `Contaminated: ${found}; without them the difference is ${signed(clean.difference)} points.`;
}

function points(share: number): string {
  return `${(100 * share).toFixed(1)} points`;
}

/** Two significant digits: more would be a pretence. */
function roughly(count: number): string {
  return grouped(Number(count.toPrecision(2)));
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}
