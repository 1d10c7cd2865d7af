import { describe, expect, it } from "vitest";
import { prng, type Prng } from "../prng.ts";
import { clusteredMean, differenceInterval } from "./clustered-mean.ts";
import {
  errorsForPower,
  extraQuestions,
  extraSamples,
  minimalDetectableEffect,
  type PlannedComparison,
  splitVariance,
} from "./comparison-plan.ts";
import { pairedDifferenceInterval } from "./paired-difference.ts";
import { signFlipTest } from "./sign-flip.ts";

const ALPHA = { alpha: 0.05, degreesOfFreedom: 0 };

describe("minimalDetectableEffect", () => {
  it("is 2.80 standard errors for a normal, and more with few degrees of freedom", () => {
    expect(errorsForPower(ALPHA)).toBeCloseTo(1.959963984540054 + 0.8416212335729143, 10);
    expect(errorsForPower({ alpha: 0.05, degreesOfFreedom: 29 })).toBeCloseTo(
      2.045229642132703 + 0.8416212335729143,
      10,
    );
  });
  it("is about 25 points for AIME's 30 questions asked once, where 8 differ", () => {
    const interval = pairedDifferenceInterval({ onlyFirst: 4, onlySecond: 4, n: 30 })!;
    expect(minimalDetectableEffect(interval, ALPHA)).toBeGreaterThan(0.22);
    expect(minimalDetectableEffect(interval, ALPHA)).toBeLessThan(0.3);
  });
  it("is not 0 where the two never differed, and at most 1", () => {
    const never = pairedDifferenceInterval({ onlyFirst: 0, onlySecond: 0, n: 30 })!;
    expect(minimalDetectableEffect(never, ALPHA)).toBeGreaterThan(0.1);
    expect(minimalDetectableEffect([-1, 1], ALPHA)).toBe(1);
  });
});

describe("splitVariance", () => {
  it("finds the two parts that a simulation was made of", () => {
    const random = prng("split");
    const samples = (p: number, n: number): { n: number; share: number } => {
      let right = 0;
      for (let i = 0; i < n; i++) if (random.next() < p) right++;
      return { n, share: right / n };
    };
    // True differences are +-0.2 around 0.1, half and half: between 0.04. Within: 0.4 0.6/4 + mean(0.7 0.3, 0.3 0.7)/8 = 0.08625.
    const pairs = Array.from({ length: 20_000 }, (_, i) => {
      const second = i % 2 === 0 ? 0.7 : 0.3;
      return [samples(0.4, 4), samples(second, 8)] as const;
    });
    const values = pairs.map(([a, b], i) => ({ value: b.share - a.share, cluster: `${i}`, samples: 8 }));
    const perQuestion = clusteredMean(values)!.standardError! ** 2 * pairs.length;
    const { between, within } = splitVariance(pairs, perQuestion)!;
    // Standard errors of these variances over 20,000 questions are below 0.001.
    expect(Math.abs(within - 0.08625)).toBeLessThan(0.003);
    expect(Math.abs(between - 0.04)).toBeLessThan(0.004);
  });
  it("cannot split what was asked once", () => {
    const once = { n: 1, share: 1 };
    expect(splitVariance([[once, { n: 8, share: 0.5 }]], 0.1)).toBeNull();
    expect(splitVariance([], 0)).toBeNull();
  });
});

describe("extraSamples and extraQuestions", () => {
  const plan: PlannedComparison = {
    difference: 0.05,
    interval: [-0.03, 0.13],
    questions: 100,
    samples: [2, 2],
    variance: { between: 0, within: 0.2, perSample: [0.2, 0.2] },
    criterion: ALPHA,
  };
  it("count by hand: 0.4 / (2 + e) must fall to 100 (0.05 / 2.8016)²", () => {
    expect(extraSamples(plan)).toBe(Math.ceil(0.4 / (100 * (0.05 / 2.8015852) ** 2)) - 2);
    // The error is 0.0408 and must be 0.01785: 523 questions.
    expect(extraQuestions(plan)).toBe(Math.ceil(100 * ((0.16 / 2 / 1.959963985) * (2.8015852 / 0.05)) ** 2) - 100);
  });
  it("say that no number of samples will do where questions differ too much, or it cannot be known", () => {
    expect(extraSamples({ ...plan, variance: { between: 0.04, within: 0.2, perSample: [0.2, 0.2] } })).toBeNull();
    expect(extraSamples({ ...plan, variance: null })).toBeNull();
    expect(extraSamples({ ...plan, difference: 0 })).toBeNull();
    expect(extraQuestions({ ...plan, difference: 0 })).toBeNull();
  });

  it("keep their promise: with as many samples as they say, four comparisons in five are settled", () => {
    const random = prng("promise");
    // 60 questions at p and p + 0.08, no spread between questions beyond sampling: only samples are lacking.
    const [questions, gain] = [60, 0.08];
    const start: PlannedComparison = {
      difference: gain,
      interval: [0, 0],
      questions,
      samples: [2, 2],
      variance: { between: 0, within: 0.24, perSample: [0.24, 0.25] },
      criterion: { alpha: 0.05, degreesOfFreedom: questions - 1 },
    };
    const samples = 2 + extraSamples(start)!;
    let settled = 0;
    for (let trial = 0; trial < 300; trial++) {
      const differences = Array.from(
        { length: questions },
        () => (drawn(0.48, samples, random) - drawn(0.4, samples, random)) / samples,
      );
      if (signFlipTest(differences, { key: "k", denominator: samples }).pValue < 0.05) settled++;
    }
    // Three standard errors of 80 % in 300.
    expect(Math.abs(settled / 300 - 0.8)).toBeLessThan(0.07);
  });
  it("plans from a real interval: more questions shrink it by the square root", () => {
    const random = prng("real");
    const values = Array.from({ length: 30 }, (_, i) => ({
      value: (random.int(0, 8) - 3) / 8,
      cluster: `${i}`,
      samples: 8,
    }));
    const { interval } = differenceInterval(values)!;
    const { mean } = clusteredMean(values)!;
    const criterion = { alpha: 0.05, degreesOfFreedom: 29 };
    const more = extraQuestions({ ...plan, difference: mean / 2, interval, questions: 30, criterion })!;
    const fewer = extraQuestions({ ...plan, difference: mean, interval, questions: 30, criterion })!;
    // Half the difference needs four times the questions, up to the rounding.
    expect(Math.abs(more + 30 - 4 * (fewer + 30))).toBeLessThanOrEqual(4);
  });
});

function drawn(p: number, n: number, random: Prng): number {
  let right = 0;
  for (let i = 0; i < n; i++) if (random.next() < p) right++;
  return right;
}
