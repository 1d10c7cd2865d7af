import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Recipe } from "../schema/recipe.ts";
import { batchOfStep, epochOrder } from "./batches.ts";
import { learningRateAt, planSchedule } from "./schedule.ts";
import { planTraining, runTraining } from "./training-loop.ts";

const TRAIN = Recipe.shape.train.parse({
  epochs: 5,
  batchSize: 16,
  learningRate: 1e-5,
  warmupShare: 0.05,
  checkpointEverySteps: 50,
});

describe("schedule", () => {
  test("s1: 1,000 examples, 5 epochs, batch 16 are 315 steps with 16 of warm-up (paper, appendix D)", () => {
    const schedule = planTraining(TRAIN, 1000);
    expect(schedule).toEqual({ learningRate: 1e-5, totalSteps: 315, warmupSteps: 16 });
    expect(learningRateAt(schedule, 1)).toBe(0);
    expect(learningRateAt(schedule, 17)).toBeCloseTo(1e-5, 12);
    expect(learningRateAt(schedule, 315)).toBeLessThan(1e-9);
    expect(learningRateAt(schedule, 316)).toBeCloseTo(0, 20);
  });

  test("never leaves [0, peak] and falls after the warm-up", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 8 }),
        fc.float({ min: 0, max: 1, noNaN: true }),
        (examples, epochs, warmupShare) => {
          const schedule = planSchedule({ examples, epochs, batchSize: 16, learningRate: 1, warmupShare });
          let last = Infinity;
          for (let step = 1; step <= schedule.totalSteps; step++) {
            const rate = learningRateAt(schedule, step);
            expect(rate).toBeGreaterThanOrEqual(0);
            expect(rate).toBeLessThanOrEqual(1);
            if (step > schedule.warmupSteps + 1) expect(rate).toBeLessThanOrEqual(last);
            last = rate;
          }
        },
      ),
    );
  });
});

describe("batches", () => {
  test("an epoch holds every example once; epochs differ; steps map onto epochs", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 17 }),
        fc.nat(),
        (examples, batchSize, seed) => {
          const order = [0, 1].map((epoch) => epochOrder({ examples, seed, epoch }));
          const perEpoch = Math.ceil(examples / batchSize);
          const batches = Array.from({ length: perEpoch }, (_, k) => batchOfStep({ order, batchSize, step: k + 1 }));
          expect(batches.flat()).toEqual(order[0]);
          expect(batches.flat().sort((x, y) => x - y)).toEqual(Array.from({ length: examples }, (_, i) => i));
          expect(batches.slice(0, -1).every((batch) => batch.length === batchSize)).toBe(true);
          expect(batchOfStep({ order, batchSize, step: perEpoch + 1 })).toEqual(order[1]?.slice(0, batchSize));
          expect(batchOfStep({ order, batchSize, step: 2 * perEpoch + 1 })).toEqual([]);
        },
      ),
    );
  });
});

describe("training loop", () => {
  const examples = Array.from({ length: 33 }, (_, i) => ({ inputIds: [i, 1], labels: [-100, i] }));
  const record = async (doneSteps: number): Promise<string[]> => {
    const calls: string[] = [];
    await runTraining(
      {
        examples,
        recipe: { ...TRAIN, epochs: 2 },
        order: [0, 1].map((epoch) => epochOrder({ examples: examples.length, seed: 3, epoch })),
        doneSteps,
        signal: new AbortController().signal,
        onStep: async () => undefined,
      },
      {
        trainStep: async (batch, { step, learningRate }) => {
          calls.push(`${step} ${learningRate} ${batch.map(({ inputIds }) => inputIds[0]).join()}`);
          return { loss: 1, gradientNorm: 1, tokens: batch.length };
        },
      },
    );
    return calls;
  };

  test("resuming after any step makes the very calls that were still to come", async () => {
    const whole = await record(0);
    expect(whole).toHaveLength(6);
    for (let done = 0; done <= 6; done++) expect(await record(done)).toEqual(whole.slice(done));
  });

  test("an abort stops before the next step", async () => {
    const controller = new AbortController();
    const steps: number[] = [];
    const run = runTraining(
      {
        examples,
        recipe: TRAIN,
        order: [examples.map((_, place) => place)],
        doneSteps: 0,
        signal: controller.signal,
        onStep: async ({ step }) => {
          steps.push(step);
          if (step === 2) controller.abort(new Error("stop"));
        },
      },
      { trainStep: async () => ({ loss: 0, gradientNorm: 0, tokens: 1 }) },
    );
    await expect(run).rejects.toThrow("stop");
    expect(steps).toEqual([1, 2]);
  });
});
