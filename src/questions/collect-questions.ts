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
/** So many draws in a row without a new question: there are hardly more of them. */
const MAX_BARREN_DRAWS = 20_000;

/**
 * The first `count` distinct questions of the bucket in the family's sequence, in its order.
 *
 * @throws {AppError} `limit-exceeded` when {@link DRAWS_PER_QUESTION} draws a question do not yield so many, or the family seems
 * to have no more.
 */
export function collectQuestions({ family, count, difficulty, bucket, seed }: CollectOptions): Question[] {
  const [lowest, highest] = difficulty;
  const found = new Map<string, Question>();
  const maxDraws = count * DRAWS_PER_QUESTION;
  let [index, barren] = [0, 0];
  for (; index < maxDraws && barren < MAX_BARREN_DRAWS && found.size < count; index++, barren++) {
    const question = family.generate(index, { seed, difficulty: lowest + (index % (highest - lowest + 1)) });
    if (question.bucket !== bucket || found.has(question.id)) continue;
    found.set(question.id, question);
    barren = 0;
  }
  if (found.size < count) {
    throw new AppError(
      "limit-exceeded",
      `family ${family.name}: only ${found.size} of ${count} distinct ${bucket} questions in ${index} draws`,
      {
        hint: "Ask for fewer questions or widen the difficulty range.",
        data: { found: found.size, count, draws: index },
      },
    );
  }
  return [...found.values()];
}
