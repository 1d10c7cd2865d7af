import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TrainingEvent } from "../schema/training-job.ts";
import { eventOfLogLine, lossRows, parseEvent, TrainingStory } from "./training-events.ts";

const step = (number: number, time: number, loss: number | null = 2): TrainingEvent => ({
  schemaVersion: 1,
  type: "step",
  time,
  step: number,
  epoch: number / 10,
  loss,
  gradientNorm: 1,
  learningRate: 1e-5,
  tokens: 100,
  trainedTokens: 60,
  seconds: 0.5,
  peakMemoryBytes: null,
});
const end = (time: number, outcome: "completed" | "stopped"): TrainingEvent => ({
  schemaVersion: 1,
  type: "end",
  time,
  outcome,
  step: 4,
  seconds: 2,
  model: outcome === "completed" ? "final" : null,
});
const start = (time: number): TrainingEvent => ({
  schemaVersion: 1,
  type: "start",
  time,
  worldSize: 2,
  nodes: 1,
  device: "cpu",
  gpu: null,
  parameters: 10,
  trainableParameters: 10,
  precision: "f32",
  attention: "sdpa",
  sharding: "ddp",
  resumedAt: 0,
  totalSteps: 4,
  versions: {},
});
const line = (event: TrainingEvent): string => `@@grappa ${JSON.stringify(event)}`;

describe("eventOfLogLine", () => {
  test("finds an event after Ray's prefix and before its deduper's note", () => {
    const dressed = `\u001b[36m(RayTrainWorker pid=71, ip=10.0.0.2)\u001b[0m ${line(step(3, 9))}\u001b[32m [repeated 3x across cluster]\u001b[0m`;
    expect(eventOfLogLine(dressed)).toEqual(step(3, 9));
    expect(eventOfLogLine(`[default0]:${line(step(3, 9))}`)).toEqual(step(3, 9));
  });

  test("passes over what is none: other marks, broken JSON, unknown types, other versions, endless lines", () => {
    for (const text of [
      "epoch 1",
      "@@grappa ",
      "@@grappa {",
      '@@grappa {"type":"step"}',
      '@@grappa {"type":"spend","time":1}',
      line({ ...step(1, 1), schemaVersion: 2 as 1 }),
      line({ ...step(1, 1), step: 0 } as TrainingEvent),
      `@@grappa {"type":"warning","schemaVersion":1,"time":1,"message":"${"x".repeat(70_000)}"}`,
    ])
      expect(eventOfLogLine(text), text.slice(0, 60)).toBeUndefined();
  });

  test("never throws, whatever the line", () => {
    fc.assert(fc.property(fc.string(), (text) => void eventOfLogLine(`@@grappa ${text}`)));
    fc.assert(fc.property(fc.json(), (text) => void parseEvent(text)));
  });
});

describe("TrainingStory", () => {
  test("the last event of a step counts; repeated lines are no news", () => {
    const story = new TrainingStory();
    const taken = [start(1), step(1, 2, 3), step(2, 3, 2.5), step(1, 2, 3), step(2, 3, 2.5), step(2, 9, 2.4)].map(
      (one) => story.take(one),
    );
    expect(taken).toEqual([true, true, true, false, false, true]);
    expect(story.steps.map((one) => [one.step, one.loss])).toEqual([
      [1, 3],
      [2, 2.4],
    ]);
    expect(story.lastStep).toBe(2);
    expect(story.lastTime).toBe(9);
  });

  test("an end counts until another try starts", () => {
    const story = new TrainingStory();
    for (const event of [start(1), step(1, 2), end(3, "stopped")]) story.take(event);
    expect(story.end?.outcome).toBe("stopped");
    for (const event of [start(10), step(2, 11)]) story.take(event);
    expect(story.end).toBeUndefined();
    expect(story.tries).toBe(2);
    expect(story.take(end(3, "stopped"))).toBe(false); // a log repeats its lines
    expect(story.end).toBeUndefined();
    story.take(end(12, "completed"));
    expect(story.end?.model).toBe("final");
    // The first try ran from 1 to its last step at 2, for what ended it was said later; the second from 10 to 12.
    expect(story.ranSeconds).toBe(1 + 2);
  });

  test("how long it ran is what the trainer counts, loading included, and a try before", () => {
    const story = new TrainingStory();
    for (const event of [start(20), step(1, 30)]) story.take(parseEvent(JSON.stringify(event)) ?? event);
    expect(story.ranSeconds).toBe(10);
    const told = parseEvent(JSON.stringify({ ...step(2, 40), elapsedSeconds: 95.5 }));
    story.take(told ?? step(2, 40));
    expect(story.ranSeconds).toBe(95.5);
  });

  test("the rows of losses.jsonl leave out what is no number", () => {
    const story = new TrainingStory();
    for (const event of [step(2, 2, null), step(1, 1, 2.5)]) story.take(event);
    expect(lossRows(story.steps)).toEqual([
      { schemaVersion: 1, step: 1, epoch: 0.1, loss: 2.5, gradientNorm: 1, learningRate: 1e-5, tokens: 100 },
    ]);
  });
});
