import { expect, test } from "vitest";
import type { GenerateEvent } from "../schema/generate-job.ts";
import { GenerateStory } from "./generate-events.ts";

const at = (time: number) => ({ schemaVersion: 1 as const, time, elapsedSeconds: time });
const start = (time: number): GenerateEvent => ({
  type: "start",
  ...at(time),
  model: "student",
  server: "vllm",
  version: "1",
  device: "cuda",
  gpu: "H100",
  gpus: 8,
  loadSeconds: 1,
});
const stopped = (time: number): GenerateEvent => ({ type: "end", ...at(time), outcome: "stopped" });

test("an end counts until a server of another try answers, and a log that repeats it brings it not back", () => {
  const story = new GenerateStory();
  for (const event of [start(1), stopped(5)]) story.take(event);
  expect(story.end).toMatchObject({ outcome: "stopped", time: 5 });
  story.take(start(10));
  story.take(stopped(5));
  expect(story.end).toBeUndefined();
  story.take({ type: "failure", ...at(12), code: "error", message: "x", hint: null });
  expect(story.end?.type).toBe("failure");
});

test("the times of a try are those of its own events", () => {
  const story = new GenerateStory();
  for (const event of [start(1), stopped(5), start(10), stopped(30)]) story.take(event);
  expect(story.timesSince(0)).toEqual({ first: 1, last: 30 });
  expect(story.timesSince(7)).toEqual({ first: 10, last: 30 });
  expect(story.timesSince(31)).toEqual({ first: undefined, last: undefined });
});
