import { describe, expect, it } from "vitest";
import { Recipe, type RecipeInput } from "../../schema/recipe.ts";
import { evaluateStage } from "./evaluate.ts";
import type { LaunchedWorld } from "./launched/launched-world.ts";
import type { TeacherWorld } from "./teacher-world.ts";

const recipeWith = (change: Partial<RecipeInput>): Recipe =>
  Recipe.parse({
    name: "x",
    student: { base: "demo-base" },
    collect: { sources: [{ type: "family", family: "arithmetic", count: 4, difficulty: [1, 2] }] },
    trace: { teacher: { type: "builtin" } },
    select: { count: 2 },
    train: {},
    ...change,
  });
const stage = (launched?: Partial<LaunchedWorld>) =>
  evaluateStage(() => Promise.reject(new Error("nothing is asked")), {} as TeacherWorld, launched as LaunchedWorld);

describe("evaluate.reject", () => {
  it("changes the stage only where it is asked for, so that finished runs keep their evaluation", () => {
    const plain = stage().config(recipeWith({}));
    expect(stage().config(recipeWith({ evaluate: { maxTries: 3 } }))).toEqual(plain);
    const tried = stage().config(recipeWith({ evaluate: { reject: [64], maxTries: 3, temperature: 0.9 } }));
    expect(tried).toEqual({ ...(plain as object), reject: [64], maxTries: 3, temperature: 0.9 });
  });

  it("is refused for a student that is asked elsewhere, before anything runs", async () => {
    const evaluate = { reject: [64] };
    const hosted = recipeWith({ student: { base: "q/q", hosted: { type: "together" } }, evaluate });
    await expect(stage().check?.(hosted)).rejects.toMatchObject({
      code: "recipe-invalid",
      message: "evaluate.reject is for students that the embedded engine asks",
    });
    const launched = recipeWith({
      train: { launcher: { type: "torchrun" } },
      evaluate: { ...evaluate, on: "launcher" },
    });
    await expect(stage({ isHeldHere: true }).check?.(launched)).rejects.toMatchObject({ code: "recipe-invalid" });
  });
});
