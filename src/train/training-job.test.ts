import { describe, expect, test } from "vitest";
import { Recipe } from "../schema/recipe.ts";
import { TrainingJob } from "../schema/training-job.ts";
import { probePlaces, trainingJob } from "./training-job.ts";

const FACTS = {
  name: "grappa-0123456789abcdef",
  model: "Qwen/Qwen2.5-7B-Instruct",
  revision: "a".repeat(40),
  examples: 1000,
  longestTokens: 9_001,
  probes: [{ text: "a", ids: [64] }],
  vocabularySize: 151_665,
  stopAfterSeconds: 3_000,
};

describe("trainingJob", () => {
  test("s1: 315 steps, 16 of warm-up, at 1e-5 with a launcher, and the longest row is the limit", () => {
    const train = Recipe.shape.train.parse({ launcher: { type: "ray", storage: "/data" } });
    const job = trainingJob({ train, seed: 3 }, FACTS);
    expect(TrainingJob.parse(job)).toEqual(job);
    expect(job).toMatchObject({
      totalSteps: 315,
      warmupSteps: 16,
      learningRate: 1e-5,
      maxLength: 9_001,
      addedIds: 151_665,
      device: "cuda",
      seed: 3,
      stopAfterSeconds: 3_000,
      lora: { rank: 16, alpha: 32, dropout: 0 },
    });
  });

  test.each([
    [{ type: "torchrun" }, "auto"],
    [{ type: "torchrun", device: "cpu" }, "cpu"],
    [{ type: "ray", storage: "/s", gpusPerWorker: 0 }, "cpu"],
    [{ type: "slurm", folder: "/f", gpusPerNode: 0 }, "cpu"],
    [{ type: "slurm", folder: "/f" }, "cuda"],
    [{ type: "hf-jobs", flavor: "cpu-basic" }, "cpu"],
    [{ type: "hf-jobs" }, "cuda"],
  ])("%o computes on %s", (launcher, device) => {
    expect(trainingJob({ train: Recipe.shape.train.parse({ launcher }), seed: 0 }, FACTS).device).toBe(device);
  });

  test("LoRA takes ten times the rate", () => {
    const train = Recipe.shape.train.parse({ launcher: { type: "torchrun" }, method: "lora" });
    expect(trainingJob({ train, seed: 0 }, FACTS)).toMatchObject({ learningRate: 1e-4, method: "lora" });
  });
});

test("probes are spread over all texts, the ends among them", () => {
  expect(probePlaces(0)).toEqual([]);
  expect(probePlaces(1)).toEqual([0]);
  expect(probePlaces(3)).toEqual([0, 1, 2]);
  const places = probePlaces(1000);
  expect(places).toHaveLength(20);
  expect([places[0], places.at(-1)]).toEqual([0, 999]);
  expect(new Set(places).size).toBe(20);
});
