/** @file Published accuracies as lines of a chart: for orientation, on tasks that are not the run's. */
import { intervalFromN, publishedFor } from "../../evaluate/published/published-for.ts";
import type { PublishedResult } from "../../evaluate/published/published-result.ts";
import { percentInterval } from "../number-format.ts";
import type { ReferenceLine } from "./accuracy-data.ts";

/** Tasks whose published figures can be drawn. */
export const PUBLISHED_TASKS = [
  { task: "math500", label: "MATH500" },
  { task: "aime24", label: "AIME24" },
  { task: "gpqa-diamond", label: "GPQA Diamond" },
] as const;

const MOST_LINES = 4;
/** Closer lines could not be told apart, nor their labels set. */
const LEAST_GAP = 0.065;
/** The model that this way of training was published with comes first. */
const FIRST = "s1-32B";

/** A few published models, s1's own first, each once, at its best, and far enough from the others to be told apart; empty for any other task. */
export function referencesFor(task: string): readonly ReferenceLine[] {
  const results = publishedFor(task);
  const chosen: PublishedResult[] = [];
  for (const row of [...results.filter(({ model }) => model === FIRST), ...results]) {
    const isFree = chosen.every(
      ({ model, accuracyPercent }) =>
        model !== row.model && Math.abs(accuracyPercent - row.accuracyPercent) >= 100 * LEAST_GAP,
    );
    if (isFree && chosen.length < MOST_LINES) chosen.push(row);
  }
  return chosen
    .sort((a, b) => b.accuracyPercent - a.accuracyPercent)
    .map((row) => ({
      label: `${row.model} ${row.accuracyPercent.toFixed(1)} %, published`,
      accuracy: row.accuracyPercent / 100,
      note: [row.setting, `n = ${row.n}`, percentInterval(intervalFromN(row), 0)]
        .filter((part) => part !== "")
        .join(", "),
    }));
}
