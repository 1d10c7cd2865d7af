import { prng } from "../core/prng.ts";

/**
 * The batches of one epoch as lists of example indices: all examples once, shuffled by (seed, epoch), the last batch short
 * when they do not divide. Epoch e's order does not depend on the epochs before it, so a resume needs no history.
 */
export function epochBatches(options: {
  examples: number;
  batchSize: number;
  seed: number;
  epoch: number;
}): number[][] {
  const order = prng(`batches/${options.seed}/${options.epoch}`).shuffle(
    Array.from({ length: options.examples }, (_, i) => i),
  );
  const batches: number[][] = [];
  for (let start = 0; start < order.length; start += options.batchSize)
    batches.push(order.slice(start, start + options.batchSize));
  return batches;
}

/** The batch of optimizer step `step` (from 1) and the epoch (from 0) it belongs to. */
export function batchOfStep(options: { examples: number; batchSize: number; seed: number; step: number }): {
  epoch: number;
  batch: number[];
} {
  const perEpoch = Math.ceil(options.examples / options.batchSize);
  const epoch = Math.floor((options.step - 1) / perEpoch);
  return { epoch, batch: epochBatches({ ...options, epoch })[(options.step - 1) % perEpoch] ?? [] };
}
