import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../prng.ts";
import { type BootstrapOptions, bootstrapInterval, quantile } from "./bootstrap.ts";
import { wilsonInterval } from "./intervals.ts";
import { mcnemarExact } from "./mcnemar.ts";
import { pairedDifferenceInterval } from "./paired-difference.ts";
import { controlShare, scalingSlope } from "./test-time-scaling.ts";

describe("wilsonInterval (expected values: scipy's binomtest.proportion_ci)", () => {
  it.each([
    [0, 10, 0, 0.27753279986288926],
    [8, 10, 0.4901624715366418, 0.9433178485456248],
    [10, 10, 0.7224672001371109, 1],
    [237, 300, 0.7403888774230657, 0.8322781992666975],
    [1, 1, 0.20654931437723745, 1],
  ])("%d of %d", (successes, n, low, high) => {
    const [actualLow, actualHigh] = wilsonInterval(successes, n)!;
    expect(actualLow).toBeCloseTo(low, 10);
    expect(actualHigh).toBeCloseTo(high, 10);
  });
  it("is wider at 99 %", () => {
    const [low, high] = wilsonInterval(8, 10, 0.99)!;
    expect(low).toBeCloseTo(0.4008186965216716, 10);
    expect(high).toBeCloseTo(0.9598688474953836, 10);
  });
  it("is null without trials", () => expect(wilsonInterval(0, 0)).toBeNull());
  it("stays in 0 to 1 and holds the share", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const successes = Math.round(share * n);
        const [low, high] = wilsonInterval(successes, n)!;
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(successes / n);
        expect(high).toBeGreaterThanOrEqual(successes / n);
        expect(high).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("mcnemarExact (expected values: scipy's two-sided binomtest)", () => {
  it.each([
    [1, 9, 0.021484375],
    [9, 1, 0.021484375],
    [0, 5, 0.0625],
    [0, 6, 0.03125],
    [30, 50, 0.03299261842647619],
    [3, 240, 3.384118591356391e-67],
    [121, 150, 0.0887796125701743],
    [0, 240, 1.131959884853339e-72],
  ])("%d against %d", (onlyFirst, onlySecond, expected) => {
    expect(mcnemarExact(onlyFirst, onlySecond) / expected).toBeCloseTo(1, 10);
  });
  it.each([
    [0, 0],
    [5, 5],
    [4, 5],
  ])("%d against %d is no difference at all", (a, b) => expect(mcnemarExact(a, b)).toBe(1));
});

describe("pairedDifferenceInterval (Tango's score interval)", () => {
  it.each([
    // Fagerland, Lydersen & Laake (2014): airway hyper-responsiveness (Bentur 2009), to the three decimals they print.
    ["Bentur 2009", { onlyFirst: 7, onlySecond: 1, n: 21 }, 0.95, -0.517, -0.026, 3],
    // The same authors' R package contingencytables, chapter 8: complete response (Cavo 2012).
    ["Cavo 2012", { onlyFirst: 16, onlySecond: 6, n: 161 }, 0.95, -0.124, -0.0054, 4],
    // R's PropCIs::scoreci.mp(25, 28, 618, conf.level = 0.9).
    ["PropCIs", { onlyFirst: 25, onlySecond: 28, n: 618 }, 0.9, -0.0148, 0.0247, 4],
  ] as const)("agrees with what was published: %s", (_name, counts, confidence, low, high, digits) => {
    const [actualLow, actualHigh] = pairedDifferenceInterval(counts, confidence)!;
    expect(actualLow).toBeCloseTo(low, digits);
    expect(actualHigh).toBeCloseTo(high, digits);
  });

  it("is z²/(n + z²) to both sides where the two never differ, not a point", () => {
    for (const n of [1, 6, 300]) {
      const half = 1.959963984540054 ** 2 / (n + 1.959963984540054 ** 2);
      const [low, high] = pairedDifferenceInterval({ onlyFirst: 0, onlySecond: 0, n })!;
      expect(low).toBeCloseTo(-half, 10);
      expect(high).toBeCloseTo(half, 10);
    }
  });

  it("ends at 1 where the second is right on all and the first on none", () => {
    const [low, high] = pairedDifferenceInterval({ onlyFirst: 0, onlySecond: 6, n: 6 })!;
    expect(high).toBe(1);
    expect(low).toBeCloseTo(0.2193, 4);
    expect(pairedDifferenceInterval({ onlyFirst: 0, onlySecond: 0, n: 0 })).toBeNull();
  });

  it("holds the difference, stays in -1 to 1, and turns round with the methods", () => {
    const counts = fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 400 }), fc.nat({ max: 400 }));
    fc.assert(
      fc.property(counts, ([onlyFirst, onlySecond, same]) => {
        const n = onlyFirst + onlySecond + same;
        fc.pre(n > 0);
        const [low, high] = pairedDifferenceInterval({ onlyFirst, onlySecond, n })!;
        const difference = (onlySecond - onlyFirst) / n;
        expect(-1 <= low && low <= difference && difference <= high && high <= 1).toBe(true);
        expect(low).toBeLessThan(high);
        const turned = pairedDifferenceInterval({ onlyFirst: onlySecond, onlySecond: onlyFirst, n })!;
        expect(turned[0]).toBeCloseTo(-high, 9);
        expect(turned[1]).toBeCloseTo(-low, 9);
      }),
    );
  });

  it("covers the truth about as often as it says, summed over every outcome of 30 questions", () => {
    const n = 30;
    const logFactorial = (k: number): number => (k < 2 ? 0 : Math.log(k) + logFactorial(k - 1));
    for (const [first, second] of [
      [0.1, 0.1],
      [0.02, 0.3],
      [0.25, 0.35],
      [0.01, 0.01],
    ] as const) {
      let covered = 0;
      for (let onlyFirst = 0; onlyFirst <= n; onlyFirst++) {
        for (let onlySecond = 0; onlyFirst + onlySecond <= n; onlySecond++) {
          const same = n - onlyFirst - onlySecond;
          const ways = logFactorial(n) - logFactorial(onlyFirst) - logFactorial(onlySecond) - logFactorial(same);
          const [low, high] = pairedDifferenceInterval({ onlyFirst, onlySecond, n })!;
          if (second - first < low || second - first > high) continue;
          covered += Math.exp(ways) * first ** onlyFirst * second ** onlySecond * (1 - first - second) ** same;
        }
      }
      // A score interval is not exact: Tango reports 0.93 to 0.99 at such sizes.
      expect(covered).toBeGreaterThan(0.93);
      expect(covered).toBeLessThanOrEqual(1);
    }
  });
});

/** Bootstrap of a mean. */
function meanBootstrap(values: readonly number[], options: BootstrapOptions) {
  const meanOf = (drawn: Uint32Array): number =>
    values.reduce((sum, value, i) => sum + value * (drawn[i] as number), 0) / values.length;
  return bootstrapInterval(values.length, meanOf, options);
}

describe("bootstrap", () => {
  it("finds the interval of a mean whose spread is known (n 400, sd 1: 1.96/20, within 5 %)", () => {
    const random = prng("bootstrap-test");
    const values = Array.from({ length: 400 }, () => random.normal());
    const centre = values.reduce((sum, value) => sum + value, 0) / 400;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / 399);
    const [low, high] = meanBootstrap(values, { key: "a" })!;
    expect((high - low) / 2 / ((1.96 * sd) / 20)).toBeCloseTo(1, 1);
    expect((high + low) / 2 - centre).toBeCloseTo(0, 2);
  });
  it("covers the truth about as often as it says (94 % nominal 95 %, 200 data sets of 40)", () => {
    const random = prng("coverage");
    let covered = 0;
    for (let i = 0; i < 200; i++) {
      const differences = Array.from({ length: 40 }, () => (random.next() < 0.5 ? (random.next() < 0.6 ? 1 : -1) : 0));
      const [low, high] = meanBootstrap(differences, { key: `coverage/${i}`, resamples: 400 })!;
      if (low <= 0.1 && 0.1 <= high) covered++;
    }
    expect(covered / 200).toBeGreaterThan(0.89);
    expect(covered / 200).toBeLessThan(0.99);
  });
  it("is a function of its key and input", () => {
    const differences = [1, 0, 0, -1, 1, 1, 0, 1, 0.25];
    expect(meanBootstrap(differences, { key: "a" })).toEqual(meanBootstrap(differences, { key: "a" }));
    expect(meanBootstrap(differences, { key: "a", resamples: 50 })).not.toEqual(
      meanBootstrap(differences, { key: "b", resamples: 50 }),
    );
  });
  it("draws as many questions as there are, and skips resamples without a value", () => {
    const sums: number[] = [];
    const interval = bootstrapInterval(7, (drawn) => (sums.push(drawn.reduce((sum, times) => sum + times, 0)), null), {
      key: "a",
      resamples: 20,
    });
    expect(sums).toEqual(Array.from({ length: 20 }, () => 7));
    expect(interval).toBeNull();
    // Nobody ever right: the resamples cannot say how far from 0 the truth may be.
    expect(meanBootstrap([0, 0, 0, 0, 0, 0], { key: "a" })).toBeNull();
    expect(meanBootstrap([], { key: "a" })).toBeNull();
  });
  it.each([
    [0, 1],
    [0.5, 3],
    [0.625, 3.5],
    [1, 5],
  ])("quantile %d of 1 to 5 is %d", (share, expected) => {
    expect(quantile([1, 2, 3, 4, 5], share)).toBe(expected);
  });
});

/** s1 paper, Table 3 and Tables 12 to 14; accuracies are thirtieths (AIME24). */
describe("scalingSlope against the s1 paper", () => {
  const runs = (tokens: number[], percents: number[]) =>
    tokens.map((thinkingTokens, i) => ({
      thinkingTokens,
      accuracy: Math.round(((percents[i] as number) / 100) * 30) / 30,
    }));
  it.each([
    ["token-conditional", [7939, 7158, 8263, 7108, 7500], [26.7, 30, 33.3, 33.3, 40], -23.77],
    ["token-conditional, forced", [1024, 2048, 4031, 5664, 6330], [3.3, 30, 33.3, 33.3, 40], 13.16],
    ["step-conditional", [7252, 6277, 5396, 5552, 7551], [33.3, 23.3, 33.3, 36.7, 33.3], 2.93],
    ["step-conditional, forced", [1517, 2963, 4636, 5409, 7551], [23.3, 23.3, 33.3, 36.7, 33.3], 6.41],
    ["class-conditional", [8033, 9651], [30, 36.7], 25.18],
    ["budget forcing", [500, 1000, 2000, 3933, 5300, 6657, 7319], [0, 13.3, 30, 43.3, 50, 53.3, 56.7], 14.8],
  ])("%s", (_, tokens, percents, expected) => {
    expect(scalingSlope(runs(tokens, percents))).toBeCloseTo(expected, expected === 14.8 ? 1 : 2);
  });
  it("is one slope when accuracy is linear in log2 of thinking", () => {
    expect(
      scalingSlope([16, 32, 64, 256].map((t) => ({ thinkingTokens: t, accuracy: 0.05 * Math.log2(t) }))),
    ).toBeCloseTo(5, 12);
  });
  it("has nothing to say about fewer than two lengths", () => {
    expect(scalingSlope([])).toBeNull();
    expect(
      scalingSlope([
        { thinkingTokens: 0, accuracy: 0 },
        { thinkingTokens: 8, accuracy: 1 },
      ]),
    ).toBeNull();
    expect(
      scalingSlope([
        { thinkingTokens: 8, accuracy: 0 },
        { thinkingTokens: 8, accuracy: 1 },
      ]),
    ).toBeNull();
  });
});

describe("controlShare", () => {
  it("is s1's 2 of 5 for token-conditional control", () => {
    const tokens = [7939, 7158, 8263, 7108, 7500];
    const caps = [1024, 2048, 4096, 8192, 16384];
    expect(controlShare(tokens.map((thinkingTokens, i) => ({ thinkingTokens, capTokens: caps[i] as number })))).toBe(
      0.4,
    );
  });
  it("is null for no runs", () => expect(controlShare([])).toBeNull());
});
