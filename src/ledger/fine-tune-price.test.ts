import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import { billionParameters, describeRate, fineTuneCost, fineTuneRate } from "./fine-tune-price.ts";

describe("the price of a fine-tune", () => {
  it.each([
    ["together", "lora", "Qwen/Qwen2.5-7B-Instruct", 480_000],
    ["together", "full", "Qwen/Qwen2.5-7B", 540_000],
    ["together", "full", "Qwen/Qwen3-32B", 1_650_000],
    ["together", "full", "meta-llama/Llama-3.3-70B-Instruct", 8_000_000],
    ["fireworks", "lora", "qwen3-8b", 500_000],
    ["fireworks", "full", "qwen3-8b", 1_000_000],
    ["fireworks", "lora", "qwen3-32b", 3_000_000],
  ] as const)("%s, %s, %s", (provider, method, base, perMillion) => {
    expect(fineTuneRate({ provider, method, base }).perMillion).toBe(perMillion);
  });

  it("is an error where no row holds the student, and the recipe's own beats the table", () => {
    const order = { provider: "together", method: "full", base: "some-student" } as const;
    expect(() => fineTuneRate(order)).toThrow(AppError);
    expect(() => fineTuneRate({ ...order, base: "x-405B" })).toThrow('a full fine-tune of "x-405B" at together');
    const own = fineTuneRate({ ...order, givenUsdPerMillion: 0.6 });
    expect(describeRate(own)).toBe("$0.60 per million trained tokens (recipe, as given)");
  });

  it("is counted exactly and rounded up", () => {
    const rate = fineTuneRate({ provider: "together", method: "full", base: "7B" });
    expect(fineTuneCost(rate, 25_000_000)).toBe(13_500_000);
    expect(fineTuneCost(rate, 1)).toBe(1);
    expect(fineTuneCost(rate, 0)).toBe(0);
  });
});

it.each([
  ["Qwen/Qwen2.5-7B-Instruct", 7],
  ["Qwen3-30B-A3B", 30],
  ["Qwen/Qwen3-0.6B", 0.6],
  ["gemma-3-27b-it", 27],
  ["demo-base", undefined],
  ["v2b", undefined],
])("the size in %s", (model, billions) => {
  expect(billionParameters(model)).toBe(billions);
});
