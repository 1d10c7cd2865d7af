import { describe, expect, it } from "vitest";
import type { JournalPurchase } from "../adapters/journal/journal-pass.ts";
import { Recipe } from "../schema/recipe.ts";
import { planCost } from "./plan-cost.ts";
import type { PlanFacts } from "./plan-figures.ts";

const recipe = Recipe.parse({
  name: "r",
  student: { base: "hf:Qwen/Qwen2.5-7B-Instruct@main" },
  collect: { sources: [{ type: "family", family: "arithmetic", count: 100, difficulty: [2, 3] }] },
  trace: { teacher: { type: "builtin" } },
  tokenize: { maxLength: 4_096 },
  train: { launcher: { type: "hf-jobs", flavor: "h200", gpuUsdPerHour: 5 } },
  evaluate: { count: 50 },
});
const charge = (account: "attempt" | "train" | "evaluate", key: string, costMicroUsd: number): JournalPurchase => ({
  account,
  provider: "hf-jobs",
  questionId: null,
  batch: null,
  model: "m",
  key,
  purchase: 0,
  worstCaseMicroUsd: costMicroUsd,
  outcome: "charge",
  costMicroUsd,
  basis: "measured",
  usage: null,
  maxTokens: null,
  finishReason: null,
  timing: null,
  detail: "job 1, try 1",
});
const plan = (facts: Partial<PlanFacts> = {}) =>
  planCost(recipe, {
    now: new Date(0),
    questions: {
      count: 100,
      tokens: [],
      countedBy: "nobody",
      isEstimated: true,
      unruledShare: 0,
      judgedShare: 0,
      doubtedShare: 0,
      from: "the recipe",
    },
    purchases: [],
    solved: [],
    studentParameters: 7.6e9,
    ...facts,
  });

describe("the jobs of a launcher", () => {
  it.each(["attempt", "train", "evaluate"] as const)("%s: has a price before it runs", (stage) => {
    const row = plan().rows.find((one) => one.stage === stage && one.name.includes("hf-jobs"));
    expect(row!.microUsd.p50).toBeGreaterThan(800_000); // ten or fifteen minutes to start, at $5 an hour
  });

  it.each(["attempt", "train", "evaluate"] as const)("%s: what its tries came to is counted once", (stage) => {
    const before = plan();
    const spent = { purchases: [charge(stage, "a", 250_000)] };
    const isDone = false;
    const goneOnWith = plan({ ...spent, stages: [{ stage, key: "a", isDone }] });
    expect(goneOnWith.microUsd.p50).toBe(before.microUsd.p50);
    expect(goneOnWith.remainingMicroUsd.p50).toBe(before.remainingMicroUsd.p50 - 250_000);
    // The recipe was changed: that job is another, and the money is gone.
    const anew = plan({ ...spent, stages: [{ stage, key: "b", isDone }] });
    expect(anew.microUsd.p50).toBe(before.microUsd.p50 + 250_000);
    expect(anew.spentMicroUsd).toBe(250_000);
    const over = plan({ ...spent, stages: [{ stage, key: "a", isDone: true }] });
    const row = over.rows.find((one) => one.stage === stage && one.name.includes("hf-jobs"));
    expect(row).toMatchObject({ microUsd: { p50: 250_000, p90: 250_000 }, bought: { microUsd: 250_000 } });
  });
});
