import { collectQuestions } from "../questions/collect-questions.ts";
import { chainFamilies } from "../questions/chain-families.ts";
import type { ChainFamily } from "../questions/chain-family.ts";
import { prng } from "../core/prng.ts";
import type { LivePayload } from "../report/live-student.ts";

/** Another held-out question of a family, of the run's difficulties; the same seed draws the same. */
export function drawQuestion(
  family: ChainFamily["name"],
  { bucket, difficulty }: LivePayload["heldOut"],
  seed: number,
): string {
  const steps = prng(`live/${seed}`).int(difficulty[0], difficulty[1]);
  const [question] = collectQuestions({
    family: chainFamilies[family],
    count: 1,
    difficulty: [steps, steps],
    bucket,
    seed,
  });
  if (question === undefined) throw new Error("bug in grappa: collecting one question gave none");
  return question.text;
}
