/** @file A small task for tests: sums, graded by comparing the last word of a reply with the gold. */
import { sha256Hex, shortHash } from "../src/core/hash.ts";
import type { LoadedTask, TaskQuestion } from "../src/evaluate/tasks/task.ts";
import type { Verdict } from "../src/schema/evaluation.ts";

/** The verdict on a reply whose last word is its answer. */
export function verdictOf(reply: string, gold: string): Verdict {
  const answer = reply.trim().split(/\s+/).at(-1) ?? "";
  const outcome = answer === "" ? "no_answer" : answer === gold ? "correct" : "incorrect";
  return { outcome, extracted: answer, canonical: answer, rule: "last-word", explanation: "", flexible: null };
}

/** `1+1`, `2+1`, ... with their sums. */
export function fakeTask(count: number, change: Partial<LoadedTask> = {}): LoadedTask {
  const questions = Array.from({ length: count }, (_, n): TaskQuestion => {
    const [prompt, gold] = [`${n + 1}+1`, String(n + 2)];
    const id = shortHash(`sums/${prompt}`);
    return { id, cluster: id, prompt, gold, metadata: {}, verify: async (reply) => verdictOf(reply, gold) };
  });
  return {
    name: "sums",
    version: "1",
    promptVersion: "bare-1",
    profile: "last-word",
    source: "made here",
    sha256: sha256Hex(`sums ${count}`),
    needs: [],
    questions,
    ...change,
  };
}
