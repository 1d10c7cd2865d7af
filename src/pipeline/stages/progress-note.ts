import type { TraceProgress } from "../../adapters/teacher/trace-questions.ts";
import { formatUsd } from "../../ledger/money.ts";

/** Dollars spent and requests that wait for others' holds, in a few words; undefined where there is neither. */
export function progressNote({
  spentMicroUsd,
  waitingForBudget,
}: Pick<TraceProgress, "spentMicroUsd" | "waitingForBudget">): string | undefined {
  const parts = [
    ...(spentMicroUsd > 0 ? [formatUsd(spentMicroUsd)] : []),
    ...(waitingForBudget > 0 ? [`${waitingForBudget} waiting for budget`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(", ");
}
