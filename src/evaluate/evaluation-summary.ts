/** @file What an evaluation found: accuracy with its interval, what stands behind "wrong", and what more samples give. */
import type { EvaluationSummary } from "../schema/evaluation-summary.ts";
import type { EvaluationRow } from "./evaluation-rows.ts";

/** What the rows do not say. */
export interface SummaryOptions {
  /** Names the random streams of votes' ties and bootstraps: same rows and key, same summary. */
  readonly key: string;
}

/** PLACEHOLDER: the signature is final, the body is not written yet. */
export function summariseEvaluation(_rows: readonly EvaluationRow[], _options: SummaryOptions): EvaluationSummary {
  throw new Error("summariseEvaluation is being written");
}
