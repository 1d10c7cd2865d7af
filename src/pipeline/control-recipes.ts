/** @file The controls as recipes: each is the run's own recipe, different in one thing. Pure. */
import { isSlipless } from "../evaluate/wait-claim.ts";
import type { ControlName, SkippedControl } from "../schema/controls.ts";
import type { Recipe } from "../schema/recipe.ts";

/** One recipe to run, for one control or for several that share all its stages. */
export interface ControlRecipe {
  readonly controls: readonly ControlName[];
  /** What is different, for progress: "(a) a teacher that never slips". */
  readonly what: string;
  readonly recipe: Recipe;
}

/** What can be run, and what cannot, with the reason. */
export interface ControlPlan {
  /** Controls that the main line is itself: nothing is to be run for them. */
  readonly isMain: readonly ControlName[];
  readonly recipes: readonly ControlRecipe[];
  readonly skipped: readonly SkippedControl[];
}

/**
 * The controls of a recipe. Their budgets are left out: controls are compared at the natural end and with Wait.
 *
 * @param votes samples of the majority vote (e); undefined while the run that decides it is not finished
 */
export function controlRecipes(recipe: Recipe, votes: number | undefined): ControlPlan {
  const { trace, select, tokenize, evaluate } = recipe;
  const [wait] = [...evaluate.waits].sort((a, b) => a - b);
  const own: Recipe = { ...recipe, evaluate: { ...evaluate, budgets: [], continuations: [], samples: 0, reject: [] } };
  const slips = "(a) traces without slips";
  const { teacher } = trace;
  const hasNoSlips = isSlipless(recipe);
  const slipless: ControlRecipe[] =
    teacher.type === "builtin" && !hasNoSlips
      ? [
          {
            controls: ["no-slips"],
            what: slips,
            recipe: { ...own, trace: { ...trace, teacher: { ...teacher, slipRate: 0 } } },
          },
        ]
      : [];
  const decoding: ControlRecipe[] =
    wait === undefined
      ? []
      : [
          {
            controls: ["silent", "vote"],
            what: `(d) on without a word, (e) majority vote${votes === undefined ? "" : ` of ${votes}`}`,
            recipe: { ...own, evaluate: { ...own.evaluate, waits: [], continuations: [wait], samples: votes ?? 1 } },
          },
        ];
  return {
    isMain: hasNoSlips ? ["no-slips"] : [],
    recipes: [
      ...slipless,
      {
        controls: ["answers-only"],
        what: "(b) the same answers without their thinking",
        recipe: { ...own, tokenize: { ...tokenize, target: "answers" } },
      },
      {
        controls: ["random"],
        what: `(c) ${select.count} traces chosen at random`,
        recipe: { ...own, select: { ...select, method: "random" } },
      },
      ...decoding,
    ],
    skipped: [
      ...(teacher.type === "builtin"
        ? []
        : [{ control: "no-slips" as const, reason: "this teacher's slips cannot be turned off" }]),
      ...(wait === undefined
        ? (["silent", "vote"] as const).map((control) => ({ control, reason: "the recipe forces no Wait" }))
        : []),
    ],
  };
}
