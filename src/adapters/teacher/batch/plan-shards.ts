import type { BatchLimits } from "./batch-provider.ts";

/** Bytes that the line of a request may take beside its body: its id, and what an API puts around it. */
const ENVELOPE_BYTES = 256;

/**
 * Divides requests into batches, in order, each within both limits. A request that is too large for any batch stands alone:
 * the provider will say so, and it is then asked for directly.
 *
 * @param sizeOf the UTF-8 bytes of a request's body.
 */
export function planShards<T>(requests: readonly T[], limits: BatchLimits, sizeOf: (request: T) => number): T[][] {
  const shards: T[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const request of requests) {
    const bytes = sizeOf(request) + ENVELOPE_BYTES;
    let shard = shards.at(-1);
    if (shard === undefined || shard.length >= limits.maxRequests || size + bytes > limits.maxBytes) {
      shards.push((shard = []));
      size = 0;
    }
    shard.push(request);
    size += bytes;
  }
  return shards;
}
