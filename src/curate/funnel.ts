import { invariant } from "../core/errors.ts";
import type { Dropped, FunnelStage } from "../schema/records.ts";

/** What came out of a stage; rows may be anything, only their number counts. */
export interface StageOutcome {
  readonly kept: { readonly length: number };
  readonly dropped: readonly Pick<Dropped, "reason">[];
}

/**
 * One stage of a run's funnel, its reasons counted: most frequent first, then by name.
 * @param total rows that went in
 * @throws {Error} a bug, when the stage lost or invented a row
 */
export function buildFunnel(stage: string, total: number, { kept, dropped }: StageOutcome): FunnelStage {
  invariant(
    total === kept.length + dropped.length,
    `stage ${stage} took ${total} rows, but kept ${kept.length} and dropped ${dropped.length}`,
  );
  return { stage, in: total, kept: kept.length, dropped: dropped.length, reasons: countReasons(dropped) };
}

function countReasons(dropped: StageOutcome["dropped"]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of dropped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const ordered = [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  return Object.fromEntries(ordered);
}
