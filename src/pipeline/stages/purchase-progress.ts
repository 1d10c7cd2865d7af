import type { TraceProgress } from "../../adapters/teacher/trace-questions.ts";
import { formatUsd } from "../../ledger/money.ts";
import type { StageProgress } from "../stage.ts";

/** Dollars spent and requests that wait for others' holds, in a few words; undefined where there is neither. */
function progressNote({
  spentMicroUsd,
  waitingForBudget,
}: Pick<TraceProgress, "spentMicroUsd" | "waitingForBudget">): string | undefined {
  const parts = [
    ...(spentMicroUsd > 0 ? [formatUsd(spentMicroUsd)] : []),
    ...(waitingForBudget > 0 ? [`${waitingForBudget} waiting for budget`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** The buyer's progress as a stage tells it. */
export function purchaseProgress(now: TraceProgress, unit: string): StageProgress {
  const note = progressNote(now);
  return { done: now.done, total: now.total, unit, ...(note === undefined ? {} : { note }) };
}
