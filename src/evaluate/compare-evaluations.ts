/** @file Two evaluations of one task, paired question by question, and what may be said of their difference. */
import type { ComparisonFacts, Contamination, EvaluationComparison, Mismatch } from "../schema/evaluation-summary.ts";
import type { EvaluationRow } from "./evaluation-rows.ts";

/** One side of a comparison. */
export interface ComparedSide {
  /** What a person calls it. */
  readonly label: string;
  readonly facts: ComparisonFacts;
  readonly rows: readonly EvaluationRow[];
  /** Whether replies were greedy: then more samples would only repeat them. */
  readonly isGreedy: boolean;
}

/** How to compare. */
export interface CompareOptions {
  /** Names the random stream of permutation tests. */
  readonly key: string;
  /** Compares in spite of mismatches, and lists them; a different task is refused all the same. */
  readonly isForced?: boolean;
  /** What was found of the task's questions in training text, if it was looked for. */
  readonly contamination?: Contamination;
}

/** A comparison, or why there is none. */
export type ComparisonOutcome =
  | { readonly kind: "compared"; readonly comparison: EvaluationComparison }
  | { readonly kind: "refused"; readonly mismatches: readonly Mismatch[] };

/** PLACEHOLDER: the signature is final, the body is not written yet. */
export function compareEvaluations(
  _first: ComparedSide,
  _second: ComparedSide,
  _options: CompareOptions,
): ComparisonOutcome {
  throw new Error("compareEvaluations is being written");
}
