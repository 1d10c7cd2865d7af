import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../prng.ts";
import { holmAdjusted } from "./holm.ts";
import { mcnemarExact } from "./mcnemar.ts";
import { signFlipTest } from "./sign-flip.ts";

/** Every way to swap the two methods, unit by unit: the definition. */
function bruteForce(differences: readonly number[]): number {
  const observed = Math.abs(differences.reduce((sum, difference) => sum + difference, 0));
  let asLarge = 0;
  const ways = 2 ** differences.length;
  for (let signs = 0; signs < ways; signs++) {
    const sum = differences.reduce((total, difference, i) => total + (signs & (1 << i) ? -difference : difference), 0);
    if (Math.abs(sum) >= observed - 1e-9) asLarge++;
  }
  return asLarge / ways;
}

const eighths = fc.array(
  fc.integer({ min: -8, max: 8 }).map((n) => n / 8),
  { maxLength: 10 },
);

describe("signFlipTest", () => {
  it("agrees with every sign, over integers and by trying", () => {
    fc.assert(
      fc.property(eighths, (differences) => {
        const expected = bruteForce(differences);
        expect(signFlipTest(differences, { key: "k", denominator: 8 })).toEqual({
          pValue: expect.closeTo(expected, 12),
          isExact: true,
        });
        expect(signFlipTest(differences, { key: "k" }).pValue).toBeCloseTo(expected, 12);
      }),
    );
  });

  it("is exact McNemar for right-or-wrong scores", () => {
    for (const [minus, plus, zeros] of [
      [0, 0, 5],
      [1, 9, 20],
      [30, 50, 220],
      [4, 5, 0],
      [0, 60, 3],
    ] as const) {
      const differences = [
        ...new Array<number>(minus).fill(-1),
        ...new Array<number>(plus).fill(1),
        ...new Array<number>(zeros).fill(0),
      ];
      const { pValue, isExact } = signFlipTest(differences, { key: "k", denominator: 1 });
      expect(isExact).toBe(true);
      expect(pValue / mcnemarExact(minus, plus)).toBeCloseTo(1, 9);
    }
  });

  it("draws signs where there are many and no common denominator: close to the exact value, never 0, repeatable", () => {
    const random = prng("differences");
    const differences = Array.from({ length: 40 }, () => (random.int(0, 16) - 7) / 8);
    const exact = signFlipTest(differences, { key: "k", denominator: 8 });
    const drawn = signFlipTest(differences, { key: "k" });
    expect([exact.isExact, drawn.isExact]).toEqual([true, false]);
    // 4 standard errors of a share of 20,000 draws.
    expect(Math.abs(drawn.pValue - exact.pValue)).toBeLessThan(4 * Math.sqrt(exact.pValue / 20_000) + 1 / 20_000);
    expect(signFlipTest(differences, { key: "k" })).toEqual(drawn);
    expect(signFlipTest(new Array<number>(40).fill(0.3), { key: "k" }).pValue).toBe(1 / 20_001);
  });

  it("is 1 without differences, and does not turn with the methods", () => {
    expect(signFlipTest([], { key: "k" }).pValue).toBe(1);
    expect(signFlipTest([0, 0], { key: "k", denominator: 4 }).pValue).toBe(1);
    fc.assert(
      fc.property(eighths, (differences) => {
        const turned = differences.map((difference) => -difference);
        const options = { key: "k", denominator: 8 };
        expect(signFlipTest(turned, options)).toEqual(signFlipTest(differences, options));
      }),
    );
  });

  it("calls a difference that is not there in no more than 5 % of cases (20 questions, 8 samples each)", () => {
    const random = prng("null hypothesis");
    const share = (p: number): number => {
      let right = 0;
      for (let i = 0; i < 8; i++) if (random.next() < p) right++;
      return right / 8;
    };
    let called = 0;
    for (let trial = 0; trial < 600; trial++) {
      const differences = Array.from({ length: 20 }, () => {
        const p = random.next();
        return share(p) - share(p);
      });
      if (signFlipTest(differences, { key: "k", denominator: 8 }).pValue < 0.05) called++;
    }
    // 3 standard errors above 5 % of 600; a pooled test calls far more.
    expect(called / 600).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / 600));
    expect(called / 600).toBeGreaterThan(0.02);
  });
});

describe("holmAdjusted", () => {
  it("is the definition on an example of four, in the order given", () => {
    expect(holmAdjusted([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  });
  it("leaves one alone, caps at 1, and neither counts nor fills a null", () => {
    expect(holmAdjusted([0.04])).toEqual([0.04]);
    expect(holmAdjusted([0.9, null, 0.6])).toEqual([1, null, 1]);
    expect(holmAdjusted([])).toEqual([]);
  });
  it("calls exactly what the step-down procedure rejects", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), (pValues) => {
        const alpha = 0.05;
        const sorted = [...pValues].sort((a, b) => a - b);
        let rejected = 0;
        while (rejected < sorted.length && (sorted[rejected] as number) * (sorted.length - rejected) < alpha)
          rejected++;
        const limit = rejected === 0 ? -1 : (sorted[rejected - 1] as number);
        expect(holmAdjusted(pValues).map((p) => p !== null && p < alpha)).toEqual(pValues.map((p) => p <= limit));
      }),
    );
  });
});
