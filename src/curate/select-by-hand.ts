/** @file The selection where somebody has read traces and decided: what they kept comes first, and the method draws the rest. */
import { SCHEMA_VERSION, type Selection } from "../schema/records.ts";
import type { Candidate } from "./candidate.ts";
import { selectExamples, type SelectOptions, type SelectResult } from "./select.ts";
import { partition, sortedBy } from "./stage-result.ts";

const STAGE = "select";

/**
 * Selects the kept candidates, by id, then draws up to `count` from the questions of the others. Without kept ones it is
 * {@link selectExamples}. More kept ones than `count` are all selected.
 */
export function selectWithKept(
  candidates: readonly Candidate[],
  kept: ReadonlySet<string>,
  options: SelectOptions,
): SelectResult {
  const forced = sortedBy(
    candidates.filter(({ traceId }) => kept.has(traceId)),
    ({ traceId }) => traceId,
  );
  if (forced.length === 0) return selectExamples(candidates, options);
  const questions = new Set(forced.map(({ questionId }) => questionId));
  const rest = partition(
    candidates.filter(({ traceId }) => !kept.has(traceId)),
    STAGE,
    ({ traceId, questionId }) => (questions.has(questionId) ? { id: traceId, reason: "other-sample-kept" } : null),
  );
  const drawn = drawRest(rest.kept, { ...options, count: options.count - forced.length });
  const byHand = forced.map(
    ({ questionId, traceId, domain, thinkingTokens }, rank): Selection => ({
      schemaVersion: SCHEMA_VERSION,
      rank,
      questionId,
      traceId,
      domain,
      thinkingTokens,
      reason: "by-hand",
    }),
  );
  return {
    kept: [...byHand, ...drawn.kept.map((row) => ({ ...row, rank: row.rank + forced.length }))],
    dropped: [...rest.dropped, ...drawn.dropped],
  };
}

function drawRest(candidates: readonly Candidate[], options: SelectOptions): SelectResult {
  if (options.count > 0 || options.method === "all") return selectExamples(candidates, options);
  const { dropped } = partition(candidates, STAGE, ({ traceId }) => ({ id: traceId, reason: "not-drawn" }));
  return { kept: [], dropped };
}
