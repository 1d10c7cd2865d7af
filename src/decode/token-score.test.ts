import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scoreToken } from "./token-score.ts";

/** The plainest there is: shares by their sum, every id sorted. */
function bruteForce(logits: Float32Array, forbidden: readonly number[]) {
  const allowed = [...logits.keys()].filter((id) => !forbidden.includes(id));
  const total = allowed.reduce((sum, id) => sum + Math.exp(logits[id]!), 0);
  return allowed
    .filter((id) => logits[id] !== Number.NEGATIVE_INFINITY)
    .map((id) => ({ id, share: Math.exp(logits[id]!) / total }))
    .sort((a, b) => logits[b.id]! - logits[a.id]! || a.id - b.id);
}

const anyLogits = fc
  .array(fc.oneof(fc.float({ min: -40, max: 40, noNaN: true }), fc.constantFrom(0, 1, Number.NEGATIVE_INFINITY)), {
    minLength: 1,
    maxLength: 60,
  })
  .map((values) => Float32Array.from(values));

describe("a token's score", () => {
  it("is the logarithm of its share of a softmax over the allowed ids; the likeliest come first", () => {
    fc.assert(
      fc.property(
        anyLogits,
        fc.array(fc.nat(59), { maxLength: 3 }),
        fc.nat(20),
        fc.nat(),
        (logits, forbidden, top, pick) => {
          const all = bruteForce(logits, forbidden);
          fc.pre(all.length > 0);
          const { id: token, share } = all[pick % all.length]!;
          const score = scoreToken(logits, { token, forbidden, top });
          // Shares down to e^-80 keep fifteen digits in f64.
          expect(score.logprob).toBeCloseTo(Math.log(share), 9);
          expect(score.top.map(({ id }) => id)).toEqual(all.slice(0, top).map(({ id }) => id));
          for (const [place, { logprob }] of score.top.entries())
            expect(logprob).toBeCloseTo(Math.log(all[place]!.share), 9);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("holds where exponents overflow", () => {
    const logits = Float32Array.of(3e38, 3e38, -3e38);
    const { logprob, top } = scoreToken(logits, { token: 1, forbidden: [], top: 2 });
    expect(logprob).toBe(-Math.LN2);
    expect(top.map(({ id }) => id)).toEqual([0, 1]);
  });
});
