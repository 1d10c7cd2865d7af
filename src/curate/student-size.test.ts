import { describe, expect, it } from "vitest";
import { Recipe } from "../schema/recipe.ts";
import { lengthCap, longestThinking, parametersByName } from "./student-size.ts";

describe("student size", () => {
  it("caps the thinking of small students, and of no large one", () => {
    const caps = [0.8e6, 0.5e9, 1.5e9, 3e9, 7e9, 8.2e9, 14e9, 32e9].map(lengthCap);
    expect(caps).toEqual([1_024, 2_048, 2_048, 4_096, 8_192, 8_192, undefined, undefined]);
  });
  it.each([
    ["Qwen/Qwen2.5-1.5B-Instruct", 1.5e9],
    ["../models-70b/Qwen2.5-3B", 3e9],
    ["demo-base", undefined],
  ])("reads the size of %s off its name", (base, parameters) => {
    expect(parametersByName({ base })).toBe(parameters);
  });
  it("caps what is selected only where the recipe says so, and never above its own limit", () => {
    const recipe = (select: object, base = "Qwen2.5-1.5B"): Recipe =>
      Recipe.parse({
        name: "x",
        student: { base },
        collect: { sources: [{ type: "family", family: "program", count: 1, difficulty: [1, 2] }] },
        trace: { teacher: { type: "builtin" } },
        select,
      });
    expect(longestThinking(recipe({ maxThinkingTokens: 9_000 }))).toBe(9_000);
    expect(longestThinking(recipe({ maxThinkingTokens: 9_000, capBySize: true }))).toBe(2_048);
    expect(longestThinking(recipe({ maxThinkingTokens: 100, capBySize: true }))).toBe(100);
    expect(longestThinking(recipe({ maxThinkingTokens: 9_000, capBySize: true }, "mine"))).toBe(9_000);
  });
});
