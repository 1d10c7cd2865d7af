import { type Interval, wilsonInterval } from "../../core/statistics/intervals.ts";
import type { PublishedResult } from "./published-result.ts";
import { S1_PAPER } from "./s1-paper.ts";

/** Every published result that Grappa carries, in the order of its sources. */
export function publishedResults(): readonly PublishedResult[] {
  return S1_PAPER.rows;
}

/** What others published on a task, best first; empty for a task of which nothing was read. */
export function publishedFor(task: string): readonly PublishedResult[] {
  return publishedResults()
    .filter((row) => row.task === task)
    .sort((a, b) => b.accuracyPercent - a.accuracyPercent || (a.model < b.model ? -1 : 1));
}

/**
 * Wilson's 95 % interval for a published figure as if it were one answer to each of its n questions. Ours: the sources print
 * none. Where a figure is a mean over samples it is somewhat too wide, and it says nothing of what else differed.
 */
export function intervalFromN({ accuracyPercent, n }: Pick<PublishedResult, "accuracyPercent" | "n">): Interval {
  return wilsonInterval((accuracyPercent / 100) * n, n) ?? [0, 1];
}
