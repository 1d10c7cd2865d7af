import { expect, test } from "vitest";
import { forecastOf, secondsLeft } from "./forecast.ts";

const pace = { first: { done: 10, atMs: 1000 }, last: { done: 30, atMs: 21_000 }, total: 100 };

test("what is left at the pace since the stage began, less what went by since", () => {
  expect(secondsLeft(pace, 21_000)).toBe(70);
  expect(secondsLeft(pace, 31_000)).toBe(60);
  expect(secondsLeft(pace, 500_000)).toBe(0);
});

test("nothing is told by one point, or without advance", () => {
  expect(secondsLeft({ ...pace, last: pace.first }, 2000)).toBeNull();
  expect(secondsLeft({ ...pace, last: { done: 10, atMs: 9000 } }, 9000)).toBeNull();
});

test("the rest is what it took in an earlier run, and its name is said", () => {
  const earlier = { name: "demo-0", seconds: new Map([["evaluate", 30] as const, ["report", 2] as const]) };
  const given = { stage: "train", pace, later: ["evaluate", "report"], nowMs: 21_000 } as const;
  expect(forecastOf({ ...given, earlier })).toEqual({
    stage: "train",
    stageSeconds: 70,
    restSeconds: 32,
    sentence: "train: about 1 min 10 s left; the 2 stages after it took 32 s in demo-0.",
  });
  expect(forecastOf({ ...given, earlier: null })).toMatchObject({
    restSeconds: null,
    sentence: "train: about 1 min 10 s left; no finished run of this recipe tells of the 2 stages after it.",
  });
  expect(forecastOf({ ...given, later: ["report"], earlier }).sentence).toBe(
    "train: about 1 min 10 s left; the stage after it took 2.0 s in demo-0.",
  );
  expect(forecastOf({ ...given, pace: null, later: [], earlier }).sentence).toBe(
    "train: too early to tell; it is the last stage.",
  );
});
