/** Label of a position whose prediction is not trained. */
export const IGNORED = -100;

/** One training sequence: ids and, per position, the same id to learn or {@link IGNORED}; as in transformers. */
export interface EncodedSequence {
  readonly inputIds: readonly number[];
  readonly labels: readonly number[];
}

/** A prompt, on which no loss is taken, and what is learned after it. */
export function trainedAfter(prompt: readonly number[], trained: readonly number[]): EncodedSequence {
  return { inputIds: [...prompt, ...trained], labels: [...prompt.map(() => IGNORED), ...trained] };
}

/** Where `wanted` (one id or more) first stands in `ids` at or after `from`; -1 if nowhere. */
export function indexOfIds(ids: readonly number[], wanted: readonly number[], from = 0): number {
  const [first] = wanted;
  if (first === undefined) return from;
  for (let at = ids.indexOf(first, from); at !== -1; at = ids.indexOf(first, at + 1)) {
    if (wanted.every((id, offset) => ids[at + offset] === id)) return at;
  }
  return -1;
}

/** How often `wanted` stands in `ids` at or after `from`, counted without overlap. */
export function countIds(ids: readonly number[], wanted: readonly number[], from = 0): number {
  let count = 0;
  for (let at = indexOfIds(ids, wanted, from); at !== -1; at = indexOfIds(ids, wanted, at + wanted.length)) count += 1;
  return count;
}
