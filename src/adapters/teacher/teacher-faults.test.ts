import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../../core/prng.ts";
import { type FaultRates, planFaults, spoilAnswer } from "./teacher-faults.ts";

const rates: FaultRates = { wrongRate: 0.1, truncateRate: 0.2, malformedRate: 0.3, rateLimitRate: 0.4, latencyMs: 10 };
const planOf = (n: number, seed = 0) =>
  planFaults({ messages: [{ role: "user", content: `question ${n}` }] }, rates, seed);

describe("faults of the built-in teacher", () => {
  it("have the shares that were asked for, each independent of the rate limit", () => {
    const plans = Array.from({ length: 4000 }, (_, n) => planOf(n));
    const share = (of: (plan: (typeof plans)[number]) => boolean): number => plans.filter(of).length / plans.length;
    // 4,000 draws: three standard deviations are 0.023 or less
    const close = (actual: number, expected: number): void => expect(Math.abs(actual - expected)).toBeLessThan(0.023);
    close(
      share(({ fault }) => fault === "wrong"),
      0.1,
    );
    close(
      share(({ fault }) => fault === "truncated"),
      0.2,
    );
    for (const form of ["cut-json", "no-choices", "empty", "html"])
      close(
        share(({ fault }) => fault === form),
        0.075,
      );
    close(
      share(({ isRateLimited }) => isRateLimited),
      0.4,
    );
    close(
      share(({ fault, isRateLimited }) => fault === "wrong" && isRateLimited),
      0.04,
    );
    for (const { latencyMs } of plans) expect(Math.abs(latencyMs - 10)).toBeLessThanOrEqual(5);
  });

  it("depend on messages, request seed and server seed alone", () => {
    const messages = [{ role: "user", content: "q" } as const];
    const fate = (seed: number | undefined, serverSeed: number): number =>
      planFaults({ messages, ...(seed === undefined ? {} : { seed }) }, rates, serverSeed).latencyMs;
    expect(fate(1, 2)).toBe(fate(1, 2));
    expect(new Set([fate(undefined, 2), fate(1, 2), fate(2, 2), fate(1, 3)]).size).toBe(4);
  });

  it.each([
    ["9", /^1[0-8]$/],
    ["the sum is 199.", /^the sum is 20[0-8]\.$/],
    ["3 of 40", /^3 of 4[1-9]$/],
    ["none", /^none [1-9]$/],
    ["", /^ [1-9]$/],
  ])("spoil %j", (answer, pattern) => {
    for (let seed = 0; seed < 20; seed++) expect(spoilAnswer(answer, prng(String(seed)))).toMatch(pattern);
  });

  it("never leave an answer as it was", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (answer, seed) => {
        expect(spoilAnswer(answer, prng(String(seed)))).not.toBe(answer);
      }),
    );
  });
});
