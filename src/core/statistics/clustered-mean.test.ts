import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng, type Prng } from "../prng.ts";
import { clusteredMean, differenceInterval, isSingle, type QuestionValue, shareInterval } from "./clustered-mean.ts";
import { type Interval, mean, wilsonInterval } from "./intervals.ts";
import { pairedDifferenceInterval } from "./paired-difference.ts";
import { tQuantile } from "./special-functions.ts";

/** Questions that stand alone, each with `samples` observations. */
const alone = (values: readonly number[], samples: number): QuestionValue[] =>
  values.map((value, i) => ({ value, cluster: `q${i}`, samples }));

/** Student's t interval for a mean of independent values, by the book. */
function meanInterval(values: readonly number[]): Interval {
  const n = values.length;
  const centre = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (n - 1);
  const half = tQuantile(0.975, n - 1) * Math.sqrt(variance / n);
  return [centre - half, centre + half];
}

describe("clusteredMean", () => {
  it("is the mean with its ordinary standard error where questions stand alone", () => {
    const values = [0.2, 0.4, 0.9, 1, 0.1];
    const { mean, standardError, clusters, degreesOfFreedom } = clusteredMean(alone(values, 8))!;
    const [low, high] = meanInterval(values);
    expect([low, high]).toEqual([expect.closeTo(0.012586141398656103, 10), expect.closeTo(1.027413858601344, 10)]); // scipy's
    expect(mean).toBeCloseTo((low + high) / 2, 12);
    // scipy.stats.sem of the same values.
    expect(standardError).toBeCloseTo(0.18275666882497066, 12);
    expect([clusters, degreesOfFreedom]).toEqual([5, 4]);
  });
  it("does not gain from copies: each question three times over is the same error (C / (C - 1), by hand)", () => {
    const values = [0, 0.5, 1, 1];
    const once = clusteredMean(alone(values, 2))!;
    const thrice = clusteredMean([0, 1, 2].flatMap(() => alone(values, 2)))!;
    expect(thrice.clusters).toBe(4);
    expect(thrice.standardError).toBeCloseTo(once.standardError!, 12);
    // Deviations from 0.625: sum of squares 0.6875; sqrt(4/3 * 0.6875 / 16).
    expect(once.standardError).toBeCloseTo(Math.sqrt(((4 / 3) * 0.6875) / 16), 12);
  });
  it("knows nothing of the spread of one cluster, and nothing of no questions", () => {
    expect(clusteredMean([{ value: 0.5, cluster: "a", samples: 4 }])).toMatchObject({ standardError: null });
    expect(clusteredMean([])).toBeNull();
  });
});

describe("shareInterval", () => {
  it("is Wilson's where each question was asked once", () => {
    const values = [...new Array<number>(8).fill(1), 0, 0];
    expect(shareInterval(alone(values, 1))).toEqual({ interval: wilsonInterval(8, 10), method: "wilson" });
    expect(isSingle(alone(values, 1))).toBe(true);
    expect(isSingle([...alone(values, 1), { value: 1, cluster: "q0", samples: 1 }])).toBe(false);
  });
  it("is all but the clustered t interval in the middle", () => {
    const random = prng("middle");
    const values = Array.from({ length: 500 }, () => random.int(0, 8) / 8);
    const [low, high] = shareInterval(alone(values, 8))!.interval;
    const [tLow, tHigh] = meanInterval(values);
    expect(Math.abs(low - tLow)).toBeLessThan(0.001);
    expect(Math.abs(high - tHigh)).toBeLessThan(0.001);
  });
  it("does not take samples for questions: 64 samples each, all right or all wrong, are 30 trials", () => {
    const values = [...new Array<number>(17).fill(1), ...new Array<number>(13).fill(0)];
    const [low, high] = shareInterval(alone(values, 64))!.interval;
    const [wilsonLow, wilsonHigh] = wilsonInterval(17, 30)!;
    // Student's t with 29 degrees of freedom is 4 % wider than the normal, and the effective n a trial smaller.
    expect(low).toBeCloseTo(wilsonLow, 1);
    expect(high - low).toBeGreaterThan(wilsonHigh - wilsonLow);
  });
  it.each([0, 1])("is as wide as the questions allow where all are %d", (value) => {
    const [low, high] = shareInterval(alone(new Array<number>(30).fill(value), 8))!.interval;
    // t² / (C + t²) with t = 2.045: 12.2 points, where a t interval would be a point.
    expect(high - low).toBeCloseTo(2.045229642132703 ** 2 / (30 + 2.045229642132703 ** 2), 10);
    expect(value === 1 ? high : low).toBe(value);
  });
  it("says of one question with many samples no more than of one trial", () => {
    const [low, high] = shareInterval(alone([0.5], 64))!.interval;
    expect(high - low).toBeGreaterThan(0.85);
    expect(shareInterval([])).toBeNull();
  });
  it("always has a width, stays in 0 to 1, holds the mean, and mirrors", () => {
    const questions = fc.array(fc.record({ eighths: fc.nat({ max: 8 }), cluster: fc.nat({ max: 12 }) }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(questions, (drawn) => {
        const values = drawn.map(({ eighths, cluster }) => ({ value: eighths / 8, cluster: `${cluster}`, samples: 8 }));
        const [low, high] = shareInterval(values)!.interval;
        const { mean } = clusteredMean(values)!;
        expect(0 <= low && low <= mean + 1e-12 && mean - 1e-12 <= high && high <= 1).toBe(true);
        expect(high - low).toBeGreaterThan(0.01);
        const mirrored = shareInterval(values.map((one) => ({ ...one, value: 1 - one.value })))!.interval;
        expect(mirrored[0]).toBeCloseTo(1 - high, 9);
        expect(mirrored[1]).toBeCloseTo(1 - low, 9);
      }),
    );
  });
});

/** Gamma variate (Marsaglia & Tsang 2000), for Beta difficulties. */
function gamma(shape: number, random: Prng): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const x = random.normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

function beta(mean: number, concentration: number, random: Prng): number {
  const a = gamma(mean * concentration, random);
  return a / (a + gamma((1 - mean) * concentration, random));
}

/** Share of simulated evaluations whose interval holds the true mean. */
function coverage(mean: number, concentration: number, trials: number): number {
  const random = prng(`coverage/${mean}/${concentration}`);
  let covered = 0;
  for (let trial = 0; trial < trials; trial++) {
    const values = Array.from({ length: 30 }, () => {
      const difficulty = beta(mean, concentration, random);
      let right = 0;
      for (let sample = 0; sample < 8; sample++) if (random.next() < difficulty) right++;
      return right / 8;
    });
    const [low, high] = shareInterval(alone(values, 8))!.interval;
    if (low <= mean && mean <= high) covered++;
  }
  return covered / trials;
}

describe("coverage of the nominal 95 % interval, 30 questions of 8 samples, difficulties Beta-distributed", () => {
  const trials = 1_500;
  /** Two standard errors of a simulated coverage near 95 %. */
  const noise = 2 * Math.sqrt((0.95 * 0.05) / trials);
  // Concentration a + b of the Beta: 0.5 and 1 pile up at 0 and 1, 10 is a hump.
  for (const concentration of [0.5, 1, 10]) {
    for (const mean of [0.3, 0.5, 0.7]) {
      it(`is 93 to 97 % at mean ${mean}, concentration ${concentration}`, () => {
        const share = coverage(mean, concentration, trials);
        expect(share).toBeGreaterThan(0.93 - noise);
        expect(share).toBeLessThan(0.97 + noise);
      });
    }
    for (const mean of [0.1, 0.9]) {
      it(`is at least 91 % at mean ${mean}, concentration ${concentration}`, () => {
        expect(coverage(mean, concentration, trials)).toBeGreaterThan(0.91);
      });
    }
  }
});

describe("differenceInterval", () => {
  it("is Tango's where nothing varies, at 0 and at 1", () => {
    const same = differenceInterval(alone([0, 0, 0, 0, 0, 0], 8))!.interval;
    const tango = pairedDifferenceInterval({ onlyFirst: 0, onlySecond: 0, n: 6 })!;
    expect(same[0]).toBeCloseTo(tango[0], 10);
    expect(same[1]).toBeCloseTo(tango[1], 10);
    const all = differenceInterval(alone([1, 1, 1, 1, 1, 1], 8))!.interval;
    const allTango = pairedDifferenceInterval({ onlyFirst: 0, onlySecond: 6, n: 6 })!;
    expect(all[0]).toBeCloseTo(allTango[0], 10);
    expect(all[1]).toBe(1);
  });
  it("is all but the t interval where many differ", () => {
    const random = prng("differences");
    const values = Array.from({ length: 100 }, () => (random.int(0, 16) - 8) / 8);
    const [low, high] = differenceInterval(alone(values, 8))!.interval;
    const [tLow, tHigh] = meanInterval(values);
    expect(high - low).toBeGreaterThan(tHigh - tLow);
    expect(high - low).toBeLessThan(1.001 * (tHigh - tLow));
    expect(Math.abs(low - tLow)).toBeLessThan(0.001);
  });
  it("covers a true difference about as often as it says: 30 questions, 8 samples a side", () => {
    const random = prng("paired coverage");
    const share = (p: number): number => {
      let right = 0;
      for (let i = 0; i < 8; i++) if (random.next() < p) right++;
      return right / 8;
    };
    for (const [mean, concentration, gain] of [
      [0.5, 1, 0.1],
      [0.5, 10, 0],
      [0.9, 1, 0],
      [0.1, 3, 0.05],
    ] as const) {
      let covered = 0;
      const trials = 1_000;
      for (let trial = 0; trial < trials; trial++) {
        const values = Array.from({ length: 30 }, () => {
          const p = beta(mean, concentration, random);
          // Linear in p, so that the mean gain is known exactly.
          return share(p + (gain * (1 - p)) / (1 - mean)) - share(p);
        });
        const [low, high] = differenceInterval(alone(values, 8))!.interval;
        if (low <= gain && gain <= high) covered++;
      }
      // Measured 93.0 to 98.0 with 3,000 trials; 1.2 points are two standard errors of 1,000. Pooled samples would give far less.
      expect(covered / trials).toBeGreaterThan(0.93);
      expect(covered / trials).toBeLessThan(0.99);
    }
  });
});
