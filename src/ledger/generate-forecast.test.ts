import { describe, expect, it } from "vitest";
import { gpuKind } from "./gpu-offers.ts";
import { generateHours, type GenerateWork, generatedTokens, tokensPerSecond } from "./generate-forecast.ts";

const h100 = gpuKind("H100")!;
const think = (budgetTokens: number, waits = 0) => ({ mode: "think" as const, budgetTokens, waits });
const work: GenerateWork = {
  questions: 100,
  settings: [{ mode: "direct", budgetTokens: 0, waits: 0 }, think(500), think(2000), think(32_000)],
  samples: 0,
  thinkingTokens: [4_000, 8_000],
  contextTokens: 32_000,
  answerTokens: 500,
};

describe("the tokens of an evaluation", () => {
  it("count thinking once for all caps, and an answer for each setting", () => {
    expect(generatedTokens(work)).toEqual([100 * (4_000 + 4 * 500), 100 * (8_000 + 4 * 500)]);
    expect(generatedTokens({ ...work, settings: [think(500), think(2000)] })).toEqual([300_000, 300_000]);
  });

  it("grow with waits and samples, and never past the context", () => {
    const [low, high] = generatedTokens({ ...work, settings: [...work.settings, think(32_000, 2)] });
    expect([low, high]).toEqual([100 * (4_800 + 5 * 500), 100 * (16_000 + 5 * 500)]);
    expect(generatedTokens({ ...work, samples: 8 })[0]).toBe(100 * (4_000 + 4 * 500 + 8 * 4_500));
    expect(generatedTokens({ ...work, thinkingTokens: [1e6, 1e6] })[1]).toBe(100 * (32_000 + 4 * 500));
  });
});

describe("the hours of an evaluation", () => {
  it("are tokens over an assumed pace, and a start for each model", () => {
    // 989e12 x 0.02 / (2 x 7.6e9) = 1,301 tokens a second at the slow end.
    expect(tokensPerSecond({ parameters: 7.6e9 }, h100, 1)[0]).toBeCloseTo(1301.3, 1);
    const one = generateHours([work, work], { size: { parameters: 7.6e9 }, kind: h100, gpus: 1 });
    expect(one.tokens).toEqual([1_200_000, 2_000_000]);
    expect(one.hours[1]).toBeCloseTo((2_000_000 / 1301.3 + 1800) / 3600, 3);
    const eight = generateHours([work, work], { size: { parameters: 7.6e9 }, kind: h100, gpus: 8 });
    expect(eight.hours[1] - 0.5).toBeCloseTo((one.hours[1] - 0.5) / 8, 6);
  });

  it("know that a small model is not as fast as its operations", () => {
    expect(tokensPerSecond({ parameters: 0.5e9 }, h100, 1)).toEqual([4_000, 12_000]);
  });
});
