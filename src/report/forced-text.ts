/** @file Which parts of a kept reply the thinking-budget machine wrote: the completion itself has only text. */
import type { Completion } from "../schema/records.ts";
import type { ReplyRun } from "./run-results.ts";

/**
 * Thinking with the forced words marked. Greedy thinking with one more "Wait" begins with the thinking that one fewer gave, so
 * what follows such a beginning is the forced word; where it does not begin so, nothing is marked.
 * @param prefixes thinking of the same question with fewer waits, fewest first
 */
export function markForced(thinking: string, prefixes: readonly string[]): ReplyRun[] {
  const runs: ReplyRun[] = [];
  let at = 0;
  for (const prefix of prefixes) {
    const forced = thinking.startsWith(prefix) ? /^\s*Wait/.exec(thinking.slice(prefix.length)) : null;
    if (!forced || prefix.length < at) continue;
    runs.push({ text: thinking.slice(at, prefix.length), isForced: false }, { text: forced[0], isForced: true });
    at = prefix.length + forced[0].length;
  }
  return [...runs, { text: thinking.slice(at), isForced: false }].filter(({ text }) => text !== "");
}

/** The words that open an answer where thinking was cut. */
export const FORCED_ANSWER: ReplyRun = { text: "Final Answer: ", isForced: true };

/** The answer, with the words that open it where thinking was cut. */
export function answerWithForced({ end, answer }: Pick<Completion, "end" | "answer">): ReplyRun[] {
  const forced = end === "cut" ? [FORCED_ANSWER] : [];
  return [...forced, { text: answer, isForced: false }];
}
