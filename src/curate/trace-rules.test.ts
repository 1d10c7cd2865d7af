import { describe, expect, it } from "vitest";
import { Recipe } from "../schema/recipe.ts";
import { traceRules, traceRulesConfig } from "./trace-rules.ts";

const recipe = (more: object): Recipe =>
  Recipe.parse({
    name: "rules",
    student: { base: "demo-base" },
    collect: { sources: [{ type: "file", path: "rows.jsonl" }] },
    trace: { teacher: { type: "builtin" } },
    select: { requireCorrect: false, maxThinkingTokens: 77 },
    ...more,
  });

describe("traceRules", () => {
  it("are strict in any language where the recipe has no curate, and its stage's key does not change", () => {
    const plain = recipe({});
    expect(traceRules(plain)).toEqual({
      requireCorrect: false,
      maxThinkingTokens: 77,
      refuseLoops: true,
      requireConclusion: true,
    });
    expect(traceRulesConfig(plain)).toEqual({});
    expect(traceRulesConfig(recipe({ curate: { duplicates: {} } }))).toEqual({});
  });
  it("are strict in English, unless any language will do", () => {
    const english = recipe({ curate: { quality: "strict" } });
    expect([traceRules(english).language, traceRulesConfig(english)]).toEqual([
      "en",
      { quality: "strict", language: "en" },
    ]);
    const any = recipe({ curate: { quality: "strict", language: "any" } });
    expect([traceRules(any).language, traceRulesConfig(any)]).toEqual([undefined, { quality: "strict" }]);
  });
  it("are s1's, but for the recipe's own correctness and length", () => {
    expect(traceRules(recipe({ curate: { quality: "s1" } }))).toEqual({
      requireCorrect: false,
      requireGrade: true,
      maxThinkingTokens: 77,
      refuseLoops: false,
      requireConclusion: false,
    });
  });
  it("leave the conclusion to a hosted student", () => {
    const hosted = recipe({ student: { base: "Qwen/Qwen2.5-7B-Instruct", hosted: { type: "together" } } });
    expect(traceRules(hosted).requireConclusion).toBe(false);
  });
});
