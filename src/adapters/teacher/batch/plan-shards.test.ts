import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planShards } from "./plan-shards.ts";

const sizes = fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 60 });
const limits = fc.record({
  maxRequests: fc.integer({ min: 1, max: 20 }),
  maxBytes: fc.integer({ min: 500, max: 20_000 }),
});
const bytesOf = (shard: readonly number[]): number => shard.reduce((sum, size) => sum + size + 256, 0);

describe("planShards", () => {
  it("keeps all requests in order, within both limits unless one alone exceeds them", () => {
    fc.assert(
      fc.property(sizes, limits, (requests, { maxRequests, maxBytes }) => {
        const shards = planShards(requests, { maxRequests, maxBytes }, (size) => size);
        expect(shards.flat()).toEqual(requests);
        for (const shard of shards) {
          expect(shard.length).toBeGreaterThan(0);
          expect(shard.length).toBeLessThanOrEqual(maxRequests);
          if (shard.length > 1) expect(bytesOf(shard)).toBeLessThanOrEqual(maxBytes);
        }
      }),
    );
  });

  it("begins a new batch only where the next request does not fit", () => {
    fc.assert(
      fc.property(sizes, limits, (requests, { maxRequests, maxBytes }) => {
        const shards = planShards(requests, { maxRequests, maxBytes }, (size) => size);
        shards.slice(1).forEach((shard, index) => {
          const before = shards[index] ?? [];
          expect(before.length === maxRequests || bytesOf([...before, shard[0] ?? 0]) > maxBytes).toBe(true);
        });
      }),
    );
  });
});
