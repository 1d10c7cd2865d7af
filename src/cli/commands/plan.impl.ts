import { dirname, resolve } from "node:path";
import { AppError } from "../../core/errors.ts";
import type { PriceOverride } from "../../ledger/price-override.ts";
import { type LoadedRecipe, loadRecipe, recipeSeenFrom } from "../../pipeline/load-recipe.ts";
import type { RecipeOverride } from "../../pipeline/override-recipe.ts";
import { planCost } from "../../pipeline/plan-cost.ts";
import { readPlanFacts } from "../../pipeline/plan-facts.ts";
import { type PlannedStage, planRun } from "../../pipeline/plan-run.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { describeCostPlan } from "../cost-plan-text.ts";

interface PlanFlags extends CommonFlags {
  readonly seed?: number;
  readonly run?: string;
  readonly set?: readonly RecipeOverride[];
  readonly price?: readonly PriceOverride[];
}

/** Says what a recipe will cost. */
export default presenting<PlanFlags, [string]>(async (context, flags, name) => {
  const seed: RecipeOverride[] = flags.seed === undefined ? [] : [{ path: ["seed"], value: flags.seed }];
  const loaded = await loadRecipe(name, [...(flags.set ?? []), ...seed], context.recipes);
  const { recipe, baseFolder, path } = loaded;
  const runFolder = resolve(context.recipes.workingFolder, flags.run ?? `runs/${recipe.name}-${recipe.seed}`);
  const facts = await readPlanFacts(context.fs, {
    recipe,
    recipeFolder: dirname(path),
    baseFolder,
    runFolder,
    planned: await plannedStages(context, loaded, runFolder),
    now: new Date(context.clock.date()),
    overrides: flags.price ?? [],
  });
  const plan = planCost(recipe, facts);
  return { json: plan, text: describeCostPlan(plan) };
});

/** How far the run is; not at all where its base is not here, which a plan can do without. */
async function plannedStages(context: CliContext, loaded: LoadedRecipe, folder: string): Promise<PlannedStage[]> {
  const { fs, secrets } = context;
  const { recipe, baseFolder, path } = loaded;
  const { threads } = context.settings;
  const services = await context.services
    .openRun({ recipe, baseFolder, recipeFolder: dirname(path), threads, fs, secrets })
    .catch((error: unknown) => {
      if (error instanceof AppError && error.code === "model-missing") return undefined;
      throw error;
    });
  if (services === undefined) return [];
  try {
    const { stages, facts } = services;
    const request = {
      folder,
      recipe: recipeSeenFrom(folder, loaded),
      baseFolder,
      stages,
      facts,
      tools: {},
      command: "",
    };
    return await planRun(request, fs);
  } finally {
    await services.close();
  }
}
