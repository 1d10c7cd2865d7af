/** @file What a job says may hold the keys that it was given: they come into no error, no warning and no file. */
import { expect, test } from "vitest";
import { keyRedactor } from "../../../adapters/teacher/api-key.ts";
import { GenerateStory } from "../../../decode/generate-events.ts";
import { EVENT_MARK } from "../../../schema/training-job.ts";
import { TrainingStory } from "../../../train/training-events.ts";
import { judgeGenerating } from "./judge-generating.ts";
import { judgeTraining } from "./judge-training.ts";
import { LaunchedGenerating } from "./launched-generating.ts";
import type { EndedTry } from "./run-job.ts";

const KEY = "hf_0123456789abcdef";
const redact = keyRedactor(KEY);
const ended: EndedTry = {
  handle: { launcher: "ray", name: "grappa-x", id: "x", folder: null },
  status: { state: "failed", detail: "", startedAt: 1_000, endedAt: 9_000, exitCode: 1, gpus: 1 },
  cost: { microUsd: 0, ms: 0, isEstimated: false },
  rent: { gpus: 1, price: { microUsdPerGpuHour: 0, asOf: "as given", source: "recipe" } },
  stopReason: undefined,
  number: 1,
  beganAt: 1_000,
};
const failure = {
  type: "failure",
  schemaVersion: 1,
  time: 5,
  elapsedSeconds: 4,
  code: "error",
  message: `401 for ${KEY}`,
  hint: `is ${KEY} right?`,
} as const;

test("a training's failure is told without them", () => {
  const story = new TrainingStory();
  story.take(failure);
  const known = { story, stepBefore: 0, totalSteps: 9, tail: "", redact, place: "there" };
  expect(judgeTraining(ended, known)).toMatchObject({
    error: { message: "the trainer refused to go on (error): 401 for [key]", hint: "is [key] right?" },
  });
});

test("so are a generate job's failure, the tail of its log, and its warnings", () => {
  const warnings: string[] = [];
  const context = { progress: () => undefined, warn: (message: string) => void warnings.push(message) };
  const generating = new LaunchedGenerating(context, { total: 2, unit: "replies", story: new GenerateStory(), redact });
  generating.onLine(`export HF_TOKEN=${KEY}`);
  generating.onLine(EVENT_MARK + JSON.stringify({ ...failure, type: "warning", message: `with ${KEY}` }));
  generating.onLine(EVENT_MARK + JSON.stringify(failure));
  expect(warnings).toEqual(["the job says: with [key]"]);
  const { story, tail } = generating;
  const counts = { replies: 0, wanted: 2, before: 0 };
  expect(judgeGenerating(ended, { what: "it", story, ...counts, tail, redact, capHint: "" })).toMatchObject({
    error: {
      message: "it could not go on (error): 401 for [key]\nlast lines of its log:\nexport HF_TOKEN=[key]",
      hint: "is [key] right?",
    },
  });
});
