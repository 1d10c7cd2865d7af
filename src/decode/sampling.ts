import { AppError } from "../core/errors.ts";
import { prng } from "../core/prng.ts";

/** Everything beside the logits that a choice depends on. */
export interface TokenChoice {
  /** Ids that must not be chosen; few. */
  readonly forbidden: readonly number[];
  /** 0 is greedy. */
  readonly temperature: number;
  /** Names the row; with the position it seeds the draw. */
  readonly key: string;
  /** Ids in the sequence before the chosen one. */
  readonly position: number;
}

/**
 * The next token's id: the largest logit (ties to the lowest id), or at a temperature above 0 a draw by the inverse of
 * the cumulative distribution, in f64, in order of ids. Depends on nothing but its arguments.
 *
 * @param logits f32[V] over the ids that may exist; not modified
 * @throws {AppError} engine: a logit is NaN or +Infinity, or no id is left to choose
 */
export function chooseToken(logits: Float32Array, choice: TokenChoice): number {
  const best = greedyToken(logits, choice.forbidden);
  if (choice.temperature === 0) return best;
  const { temperature, forbidden } = choice;
  const top = logits[best] as number;
  const weight = (id: number): number =>
    forbidden.includes(id) ? 0 : Math.exp(((logits[id] as number) - top) / temperature);
  let total = 0;
  for (let id = 0; id < logits.length; id++) total += weight(id);
  const target = prng(`${choice.key}/${choice.position}`).next() * total;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) {
    sum += weight(id);
    if (sum > target) return id;
  }
  return best;
}

function greedyToken(logits: Float32Array, forbidden: readonly number[]): number {
  let best = -1;
  let top = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number;
    if (Number.isNaN(logit) || logit === Number.POSITIVE_INFINITY) {
      throw new AppError("engine", `the logit of id ${id} is ${logit}`, {
        hint: "the student's weights are damaged or its training diverged; go back to an earlier checkpoint",
        data: { id, logits: logits.length },
      });
    }
    if (logit > top && !forbidden.includes(id)) {
      top = logit;
      best = id;
    }
  }
  if (best >= 0) return best;
  throw new AppError("engine", `no id is left to choose from ${logits.length} logits, ${forbidden.length} forbidden`);
}
