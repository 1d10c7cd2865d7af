/** @file How likely a chosen token was: the logarithm of its share among the ids that were allowed. */

/** An id and the natural logarithm of its probability, at most 0 (up to rounding) and finite. */
export interface ScoredId {
  readonly id: number;
  readonly logprob: number;
}

/** What is told of one choice. */
export interface TokenScore {
  readonly logprob: number;
  /** The likeliest ids, likeliest first, ties in the order of ids; as many as were asked for, or fewer where no more are possible. */
  readonly top: readonly ScoredId[];
}

/** What was chosen, among what. */
export interface ScoredChoice {
  readonly token: number;
  /** Ids that could not be chosen: they have no share. */
  readonly forbidden: readonly number[];
  /** How many of the likeliest to tell. */
  readonly top: number;
}

/**
 * The log-softmax of the logits over the ids that were allowed, in f64; a temperature changes what is drawn, not this.
 * @param logits f32[V] over the ids that may exist, none NaN or +Infinity; not modified
 */
export function scoreToken(logits: Float32Array, { token, forbidden, top }: ScoredChoice): TokenScore {
  const isAllowed = (id: number): boolean => !forbidden.includes(id);
  let most = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) if (isAllowed(id)) most = Math.max(most, logits[id] as number);
  let total = 0;
  for (let id = 0; id < logits.length; id++) if (isAllowed(id)) total += Math.exp((logits[id] as number) - most);
  const scored = (id: number): ScoredId => ({ id, logprob: (logits[id] as number) - most - Math.log(total) });
  return { logprob: scored(token).logprob, top: likeliest(logits, { isAllowed, count: top }).map(scored) };
}

/** So many ids of the largest logits, in order. */
function likeliest(
  logits: Float32Array,
  { isAllowed, count }: { readonly isAllowed: (id: number) => boolean; readonly count: number },
): readonly number[] {
  const best: number[] = [];
  const logitOf = (place: number): number => logits[best[place] as number] as number;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number;
    const isIn = best.length < count || (count > 0 && logit > logitOf(best.length - 1));
    if (!isIn || logit === Number.NEGATIVE_INFINITY || !isAllowed(id)) continue;
    let place = best.length;
    while (place > 0 && logit > logitOf(place - 1)) place--;
    best.splice(place, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
}
