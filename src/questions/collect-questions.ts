import { AppError } from "../core/errors.ts";
import type { Bucket, Question } from "../schema/records.ts";
import type { Family } from "./family.ts";

/** What to collect. */
export interface CollectOptions {
  readonly family: Pick<Family, "generate"> & { readonly name: string };
  /** Distinct questions wanted. */
  readonly count: number;
  /** Lowest and highest level; items take them in turn. */
  readonly difficulty: readonly [number, number];
  readonly bucket: Bucket;
  readonly seed: number;
}

/** Draws allowed for one wanted question; the smallest bucket (5 %) needs about 20. */
const DRAWS_PER_QUESTION = 200;

/**
 * The first `count` distinct questions of the bucket in the family's sequence, in its order.
 *
 * @throws {AppError} `limit-exceeded` when {@link DRAWS_PER_QUESTION} draws a question do not yield so many.
 */
export function collectQuestions({ family, count, difficulty, bucket, seed }: CollectOptions): Question[] {
  const [lowest, highest] = difficulty;
  const found = new Map<string, Question>();
  const maxDraws = count * DRAWS_PER_QUESTION;
  for (let index = 0; index < maxDraws && found.size < count; index++) {
    const question = family.generate(index, { seed, difficulty: lowest + (index % (highest - lowest + 1)) });
    if (question.bucket === bucket && !found.has(question.id)) found.set(question.id, question);
  }
  if (found.size < count) {
    throw new AppError(
      "limit-exceeded",
      `family ${family.name}: only ${found.size} of ${count} distinct ${bucket} questions in ${maxDraws} draws`,
      { hint: "Ask for fewer questions or widen the difficulty range.", data: { found: found.size, count, maxDraws } },
    );
  }
  return [...found.values()];
}
