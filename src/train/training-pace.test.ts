import { expect, test } from "vitest";
import { describeTraining, paceOf } from "./training-pace.ts";

const step = (number: number, seconds: number) => ({ step: number, tokens: 1000, seconds });

test("the pace is of the latest steps, and not of the first, which warms up", () => {
  expect(paceOf([])).toBeUndefined();
  expect(paceOf([step(1, 0)])).toBeUndefined();
  expect(paceOf([step(1, 10)])).toEqual({ tokensPerSecond: 100, stepsPerSecond: 0.1 });
  expect(paceOf([step(1, 100), step(2, 1), step(3, 1)])).toEqual({ tokensPerSecond: 1000, stepsPerSecond: 1 });
  const slowed = Array.from({ length: 100 }, (_, i) => step(i + 1, i < 80 ? 1 : 2));
  expect(paceOf(slowed)?.stepsPerSecond).toBe(0.5);
});

test("one line tells loss, speed, use of the GPUs and money", () => {
  const pace = { tokensPerSecond: 12_300.4, stepsPerSecond: 1 };
  expect(describeTraining({ loss: 0.4119, pace, utilisation: 0.31, costUsd: 1.2 })).toBe(
    "loss 0.412, 12,300 tokens/s, MFU 31 %, $1.20 so far",
  );
  expect(describeTraining({ loss: null, pace: undefined })).toBe("loss is no number");
  expect(describeTraining({ loss: 2, pace, utilisation: 0.042 })).toBe("loss 2.000, 12,300 tokens/s, MFU 4.2 %");
});
