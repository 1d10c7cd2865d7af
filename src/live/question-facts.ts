import { bucketOf } from "../questions/bucket.ts";
import { chainFamilies } from "../questions/chain-families.ts";
import type { ChainFamily } from "../questions/chain-family.ts";
import { runningValues } from "../questions/steps.ts";
import type { Bucket } from "../schema/records.ts";

/** What the page knows of a question before anyone has answered it. */
export interface QuestionFacts {
  readonly family: ChainFamily["name"];
  readonly steps: number;
  /** Worked out from the text. */
  readonly answer: string;
  readonly bucket: Bucket;
}

/** The facts of a question; null when no family reads it. */
export function questionFacts(text: string): QuestionFacts | null {
  for (const family of Object.values(chainFamilies)) {
    const problem = family.parse(text);
    const answer = problem && runningValues(problem)?.at(-1);
    if (problem === null || answer === undefined || answer === null) continue;
    return { family: family.name, steps: problem.steps.length, answer: String(answer), bucket: bucketOf(text) };
  }
  return null;
}

const ORIGIN: Readonly<Record<Bucket, string>> = {
  test: "Held out: its hash keeps it from every training set.",
  tune: "Held out from training; of the bucket on which settings are tuned.",
  train: "Of the training bucket: this student may have read it.",
  pretrain: "Of the bucket from which the base's text was made.",
};

/** The facts in words. */
export function factsText(facts: QuestionFacts | null): string {
  if (facts === null) return "No checker reads this question, so its answer will stand without a verdict.";
  const { family, steps, answer, bucket } = facts;
  return `${family}, ${steps} ${steps === 1 ? "step" : "steps"}; the right answer is ${answer}. ${ORIGIN[bucket]}`;
}
