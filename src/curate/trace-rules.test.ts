import { describe, expect, it } from "vitest";
import { Recipe } from "../schema/recipe.ts";
import { isUngradedForS1, traceRules } from "./trace-rules.ts";

const HOSTED = { base: "x", hosted: { type: "together" } };
const recipe = (curate: object | undefined, student: object = HOSTED): Recipe =>
  Recipe.parse({
    name: "x",
    student,
    collect: { sources: [{ type: "family", family: "program", count: 1, difficulty: [1, 2] }] },
    trace: { teacher: { type: "builtin" } },
    select: { requireCorrect: false, maxThinkingTokens: 700 },
    ...(curate === undefined ? {} : { curate }),
  });

describe("traceRules", () => {
  it("checks everything unless told, and a conclusion only of the student of this machine", () => {
    expect(traceRules(recipe(undefined))).toEqual({
      requireCorrect: false,
      maxThinkingTokens: 700,
      refuseLoops: true,
      requireConclusion: false,
      language: undefined,
    });
    expect(traceRules(recipe(undefined, { base: "x" })).requireConclusion).toBe(true);
  });
  it("looks at the language where it is strict", () => {
    expect(traceRules(recipe({ quality: "strict" })).language).toBe("en");
    expect(traceRules(recipe({ quality: "strict", language: "any" })).language).toBeUndefined();
  });
  it("is as lenient as s1, but for the recipe's own limits, and drops what nobody could grade", () => {
    const s1 = recipe({ quality: "s1" });
    expect(traceRules(s1)).toMatchObject({ refuseLoops: false, requireConclusion: false, maxThinkingTokens: 700 });
    expect(
      [undefined, "unscored", "gold_error", "incorrect", "correct", "no_answer"].map((outcome) =>
        isUngradedForS1(s1, outcome as never),
      ),
    ).toEqual([true, true, true, false, false, false]);
    expect(isUngradedForS1(recipe(undefined), "unscored")).toBe(false);
  });
});
