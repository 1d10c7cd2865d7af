import { prng } from "../core/prng.ts";

/**
 * The order of one epoch: places of all examples once, shuffled by (seed, epoch), whatever the epochs before it. It is written
 * beside the examples, so that every trainer takes them in the same order and none shuffles.
 */
export function epochOrder(options: { examples: number; seed: number; epoch: number }): number[] {
  const places = Array.from({ length: options.examples }, (_, i) => i);
  return prng(`batches/${options.seed}/${options.epoch}`).shuffle(places);
}

/**
 * The batch of optimizer step `step` (from 1): places of examples. Each epoch is cut into batches of its own, the last one short
 * when they do not divide; past the last epoch there is none.
 *
 * @param order places of the examples, epoch by epoch; all of one length
 */
export function batchOfStep(options: {
  order: readonly (readonly number[])[];
  batchSize: number;
  step: number;
}): readonly number[] {
  const { order, batchSize, step } = options;
  const perEpoch = Math.ceil((order[0]?.length ?? 0) / batchSize);
  const start = ((step - 1) % perEpoch) * batchSize;
  return order[Math.floor((step - 1) / perEpoch)]?.slice(start, start + batchSize) ?? [];
}
