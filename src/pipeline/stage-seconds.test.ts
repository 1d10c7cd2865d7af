import { expect, test } from "vitest";
import type { RunEventLine, Timing } from "../schema/manifest.ts";
import { stageSeconds } from "./stage-seconds.ts";

const timing = (key: string, seconds: number): Timing => ({
  schemaVersion: 1,
  stage: "train",
  key,
  outcome: "done",
  startedAt: "",
  seconds,
  measures: {},
  machine: {},
});
const event = (second: number, type: RunEventLine["type"], key?: string): RunEventLine => ({
  schemaVersion: 1,
  at: new Date(second * 1000).toISOString(),
  type,
  ...(key === undefined ? {} : { stage: "train", key }),
});

test("all tries at the present key count, those at other keys do not", () => {
  const seconds = stageSeconds({ train: "now" }, [timing("before", 100), timing("now", 4), timing("now", 6)], []);
  expect([...seconds]).toEqual([["train", 10]]);
});

test("a try that was killed counts up to its last sign of life", () => {
  const events = [
    event(0, "run-start"),
    event(1, "stage-start", "now"),
    event(3, "stage-progress", "now"),
    event(60, "run-start"), // it was killed, and started again a minute later
    event(61, "stage-start", "now"),
    event(65, "stage-end", "now"),
    event(66, "run-end"),
  ];
  expect(stageSeconds({ train: "now" }, [timing("now", 4)], events).get("train")).toBe(6);
});
