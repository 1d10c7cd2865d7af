import { canonicalJson } from "../core/hash.ts";
import { normaliseQuestion } from "../questions/bucket.ts";
import type { Question } from "../schema/records.ts";
import { partition, sortedBy, type StageResult } from "./stage-result.ts";

/**
 * One question of each text, where texts that differ only in Unicode form and white space are the same. Of equal
 * questions the same one is kept whatever their order, and the kept ones are sorted by id.
 */
export function dropDuplicates(questions: readonly Question[]): StageResult<Question> {
  const seen = new Set<string>();
  const ordered = sortedBy(questions, (question) => `${question.id} ${canonicalJson(question)}`);
  return partition(ordered, "duplicates", ({ id, text }) => {
    const normalised = normaliseQuestion(text);
    if (seen.has(normalised)) return { id, reason: "duplicate" };
    seen.add(normalised);
    return null;
  });
}
