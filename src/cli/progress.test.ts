import { describe, expect, test } from "vitest";
import { AppError } from "../core/errors.ts";
import type { RunEvent } from "../pipeline/run-events.ts";
import { describeProgress, showProgress } from "./progress.ts";

const at = (done: number, note?: string): RunEvent => ({
  type: "stage-progress",
  stage: "train",
  done,
  total: 100,
  unit: "steps",
  ...(note === undefined ? {} : { note }),
});
const start: RunEvent = { type: "stage-start", stage: "train", key: "k", isResumed: false };
const end: RunEvent = { type: "stage-end", stage: "train", key: "k", seconds: 61, note: "100 steps" };

/** What is written for events, each `stepMs` after the one before. */
function written(
  events: readonly RunEvent[],
  options: { isInteractive: boolean; stepMs: number; columns?: number },
): string[] {
  let time = 0;
  const out: string[] = [];
  const clock = { now: () => (time += options.stepMs), date: () => "" };
  const observe = showProgress({
    write: (text) => void out.push(text),
    clock,
    isInteractive: options.isInteractive,
    columns: options.columns ?? 80,
  });
  for (const event of events) observe(event);
  return out;
}

describe("on a terminal", () => {
  test("one line is rewritten, and stays when the stage ends", () => {
    const out = written([start, at(0), at(50, "loss 0.4"), end], { isInteractive: true, stepMs: 1000 });
    expect(out[0]).toBe("\rtrain     ...\u001b[K");
    expect(out[2]).toBe("\rtrain     ██████████░░░░░░░░░░ 50/100 steps, 50/s, 1.0 s left, loss 0.4\u001b[K");
    expect(out[3]).toBe("\r\u001b[Ktrain     done in 1 min 01 s: 100 steps\n");
  });

  test("it is drawn ten times a second at most, and never wider than the terminal", () => {
    const events = [start, ...Array.from({ length: 100 }, (_, done) => at(done, "a note that is long ".repeat(20)))];
    const out = written(events, { isInteractive: true, stepMs: 10, columns: 40 });
    expect(out.length).toBeLessThanOrEqual(12);
    // eslint-disable-next-line no-control-regex
    for (const text of out) expect(text.replace(/[\r]|\u001b\[K/g, "").length).toBeLessThan(40);
  });
});

describe("elsewhere", () => {
  test("plain lines, at most one in five seconds, and one at the end", () => {
    const out = written([start, ...Array.from({ length: 20 }, (_, done) => at(done)), end], {
      isInteractive: false,
      stepMs: 1000,
    });
    expect(out).toEqual([
      "train: 4/100 steps, 1/s, 1 min 36 s left\n",
      "train: 9/100 steps, 1/s, 1 min 31 s left\n",
      "train: 14/100 steps, 1/s, 1 min 26 s left\n",
      "train: 19/100 steps, 1/s, 1 min 21 s left\n",
      "train     done in 1 min 01 s: 100 steps\n",
    ]);
  });

  test("failures, interrupts and warnings each have their words", () => {
    const events: RunEvent[] = [
      { type: "warning", stage: "trace", message: "odd\u0007bell" },
      { type: "stage-fail", stage: "train", key: "k", seconds: 1, error: new AppError("interrupted", "x") },
      { type: "stage-fail", stage: "train", key: "k", seconds: 1, error: new AppError("disk-full", "x") },
      { type: "stage-skip", stage: "grade", key: "k" },
    ];
    expect(written(events, { isInteractive: false, stepMs: 1 })).toEqual([
      "warning: trace: odd<07>bell\n",
      "train     stopped after 1.0 s\n",
      "train     failed after 1.0 s\n",
      "grade     done before\n",
    ]);
  });
});

test("a resumed stage's rate counts from where it was, not from zero", () => {
  const progress = { done: 90, total: 100, unit: "steps" };
  expect(describeProgress(progress, { from: 80, at: 0 }, 2000)).toBe("90/100 steps, 5/s, 2.0 s left");
});
