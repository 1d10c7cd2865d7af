import { describe, expect, it } from "vitest";
import { Recipe } from "../schema/recipe.ts";
import { controlRecipes } from "./control-recipes.ts";
import { changedFields } from "./run-folder.ts";

const builtin = { type: "builtin", slipRate: 0.2 };
const recipe = (teacher: object = builtin, waits: readonly number[] = [2, 1]): Recipe =>
  Recipe.parse({
    name: "fake",
    student: { base: "base" },
    collect: { sources: [{ type: "family", family: "arithmetic", count: 4, difficulty: [1, 2] }] },
    trace: { teacher },
    evaluate: { waits },
  });

/** Fields that differ; a list counts as one. */
const changed = (one: Recipe, other: Recipe): string[] => [
  ...new Set(changedFields(one, other).map((path) => path.replace(/\.\d+$/, ""))),
];

describe("controlRecipes", () => {
  it("changes one thing in each, beside the settings that it is compared at", () => {
    const main = recipe();
    const plan = controlRecipes(main, 3);
    expect(plan.recipes.map(({ controls, recipe: own }) => [controls, changed(main, own)])).toEqual([
      [["no-slips"], ["evaluate.budgets", "trace.teacher.slipRate"]],
      [["answers-only"], ["evaluate.budgets", "tokenize.target"]],
      [["random"], ["evaluate.budgets", "select.method"]],
      [
        ["silent", "vote"],
        ["evaluate.budgets", "evaluate.continuations", "evaluate.samples", "evaluate.waits"],
      ],
    ]);
    expect(plan.recipes[0]?.recipe.trace.teacher).toMatchObject({ slipRate: 0 });
    expect(plan.recipes.at(-1)?.recipe.evaluate).toMatchObject({ continuations: [1], samples: 3, waits: [] });
    expect(plan).toMatchObject({ skipped: [], isMain: [] });
  });

  it("runs nothing for (a) where the teacher does not slip: the main line is (a)", () => {
    const plan = controlRecipes(recipe({ ...builtin, slipRate: 0 }), 2);
    expect(plan).toMatchObject({ isMain: ["no-slips"], skipped: [] });
    expect(plan.recipes.flatMap(({ controls }) => controls)).toEqual(["answers-only", "random", "silent", "vote"]);
  });

  it("are recipes that can be run on their own", () => {
    for (const { recipe: own } of controlRecipes(recipe(), undefined).recipes) expect(Recipe.parse(own)).toEqual(own);
  });

  it("names what cannot be run, with the reason", () => {
    const paid = { type: "openai-compatible", baseUrl: "http://127.0.0.1:1/v1", model: "m" };
    const plan = controlRecipes(recipe(paid, []), 1);
    expect(plan.recipes.flatMap(({ controls }) => controls)).toEqual(["answers-only", "random"]);
    expect(plan.skipped).toEqual([
      { control: "no-slips", reason: "this teacher's slips cannot be turned off" },
      { control: "silent", reason: "the recipe forces no Wait" },
      { control: "vote", reason: "the recipe forces no Wait" },
    ]);
  });
});
