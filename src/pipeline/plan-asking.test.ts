import { describe, expect, it } from "vitest";
import { Recipe } from "../schema/recipe.ts";
import { forecastAsking, forecastTries, keptForAsking } from "./plan-asking.ts";

const H200 = { type: "hf-jobs", flavor: "h200", gpuUsdPerHour: 5 };
const recipe = (evaluate: object = {}, launcher: object = H200): Recipe =>
  Recipe.parse({
    name: "r",
    student: { base: "hf:Qwen/Qwen2.5-7B-Instruct@main" },
    collect: { sources: [{ type: "family", family: "arithmetic", count: 10, difficulty: [2, 3] }] },
    trace: { teacher: { type: "builtin" } },
    tokenize: { maxLength: 32_768 },
    train: { launcher },
    evaluate: { count: 300, budgets: [1000, 4000], waits: [1], answerTokens: 1000, ...evaluate },
  });
const seven = { parameters: 7.6e9 };

describe("what asking by a launcher takes", () => {
  it("is hours at the GPUs' price, from tokens and an assumed pace", () => {
    const found = forecastAsking(recipe(), seven);
    expect(found).toMatchObject({ gpus: 1, gpu: "H200" });
    const [, high] = found!.tokens;
    // Base: half of 32,768 and 2 answers; student: with one Wait half as much again, and 5 answers; 300 questions each.
    expect(high).toBe(300 * (16_384 + 2_000) + 300 * (24_576 + 5_000));
    expect(found!.hours[1]).toBeCloseTo((high / 1301.3 + 1800) / 3600, 2);
    expect(found!.microUsd[1]).toBe(Math.ceil(found!.hours[1] * 5e6));
    expect(found!.microUsd[0]).toBeLessThan(found!.microUsd[1] / 5);
  });

  it("counts rejection sampling as whole replies, from one to every try", () => {
    const [low, high] = forecastAsking(recipe({ reject: [1000, 4000], maxTries: 8 }), seven)!.tokens;
    const [lowest, highest] = forecastAsking(recipe(), seven)!.tokens;
    // Two more answers a question; at the low end thinking is 3,277 tokens, below the larger cap.
    expect(low - lowest).toBe(Math.round(300 * (3276.8 + 2_000)));
    expect(high - highest).toBe(300 * (8 * 4_000 + 2_000));
  });

  it("counts the base's own tries, by its modes", () => {
    const attempt = { modes: ["direct", "think"], thinkBudgetTokens: 512 };
    const of = (questions: number) =>
      forecastTries({ ...recipe(), attempt: Recipe.shape.attempt.parse(attempt) }, seven, questions)!;
    expect(of(2000).tokens).toEqual([2000 * (512 + 2_000), 2000 * (512 + 2_000)]);
    // Starting a server is paid too, once.
    expect(of(0).hours[1]).toBe(900 / 3600);
    expect(of(2000).microUsd[1]).toBeGreaterThan(of(0).microUsd[1]);
    expect(forecastTries(recipe({ on: "embedded" }), seven, 10)).toBeUndefined();
  });

  it("is nothing where the student is asked here", () => {
    expect(forecastAsking(recipe({ on: "embedded" }), seven)).toBeUndefined();
    expect(forecastAsking(recipe(), { parameters: 1e6 })).toBeUndefined();
    expect(forecastAsking(recipe({ on: "launcher" }), { parameters: 1e6 })).toBeDefined();
    expect(forecastAsking(recipe(), undefined)).toBeUndefined();
  });

  it("counts the GPUs of one node, where its program runs", () => {
    const slurm = { type: "slurm", folder: "/shared", nodes: 4, gpu: "H200", gpuUsdPerHour: 5 };
    expect(forecastAsking(recipe({}, slurm), seven)).toMatchObject({ gpus: 8 });
    expect(forecastAsking(recipe({}, { ...slurm, gpusPerNode: 2 }), seven)).toMatchObject({ gpus: 2 });
    const ray = { type: "ray", storage: "/shared", gpu: "H200", gpuUsdPerHour: 5 };
    expect(forecastAsking(recipe({}, { ...ray, workers: 32 }), seven)).toMatchObject({ gpus: 8 });
    expect(forecastAsking(recipe({}, { ...ray, workers: 4 }), seven)).toMatchObject({ gpus: 4 });
  });

  it("is kept from the training's money, up to half of what is left", () => {
    const high = forecastAsking(recipe(), seven)!.microUsd[1];
    expect(keptForAsking(recipe(), seven, 1e9)).toBe(high);
    expect(keptForAsking(recipe(), seven, high)).toBe(Math.floor(high / 2));
    expect(keptForAsking(recipe({ maxUsd: 2 }), seven, 1e9)).toBe(2e6);
    expect(keptForAsking(recipe({ on: "embedded" }), seven, 1e9)).toBe(0);
    expect(keptForAsking(recipe(), seven, -5)).toBe(0);
  });
});
