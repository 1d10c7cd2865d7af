/** @file What the commands that take a recipe make of its name and flags: `run`, `demo` and `plan`. */
import { resolve } from "node:path";
import { AppError } from "../core/errors.ts";
import { acceptTerms, joinTerms, readAcceptedTerms } from "../pipeline/accepted-terms.ts";
import { type LoadedRecipe, loadRecipe } from "../pipeline/load-recipe.ts";
import { isHubBase, withHubBase } from "../pipeline/hub-base.ts";
import type { RecipeOverride } from "../pipeline/override-recipe.ts";
import { readRecipe } from "../pipeline/run-folder.ts";
import { teacherEndpoints } from "../pipeline/stages/gates.ts";
import type { AcceptedTerms } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { CliContext } from "./context.ts";
import { hubAccess } from "./hub-access.ts";

/** Flags that decide which run it is. */
export interface TargetFlags {
  readonly seed?: number;
  readonly run?: string;
  readonly set?: readonly RecipeOverride[];
}

/** Flags that decide what the recipe is. */
export interface LoadingFlags extends TargetFlags {
  readonly strict?: boolean;
  /** Lets a base on the hub move on to the newest of its branch; without it a run keeps the commit that it recorded. */
  readonly update?: boolean;
  /** Goes on without the description of a base on the hub where the hub cannot be reached: a plan can do without. */
  readonly mayLackBase?: boolean;
}

/** The recipe with what `--set`, `--seed` and `--strict` change, its base in the cache if it is on the hub. Throws as `loadRecipe`, or of the hub. */
export async function loadWithFlags(
  context: CliContext,
  { seed, run, set = [], strict = false, update = false, mayLackBase = false }: LoadingFlags,
  recipe: string,
): Promise<LoadedRecipe> {
  const seeded: RecipeOverride[] = seed === undefined ? [] : [{ path: ["seed"], value: seed }];
  const stopping: RecipeOverride[] = strict ? [{ path: ["collect", "strict"], value: true }] : [];
  const loaded = await loadRecipe(recipe, [...set, ...seeded, ...stopping], context.recipes);
  const folder = runFolderOf(context, run === undefined ? {} : { run }, loaded.recipe);
  const recorded = update || !isHubBase(loaded.recipe) ? undefined : await readRecipe(context.fs, folder);
  try {
    return await withHubBase(loaded, hubAccess(context), recorded);
  } catch (error) {
    if (!mayLackBase || !(error instanceof AppError) || error.code !== "network") throw error;
    context.process.stderr.write(`warning: ${error.message}: the student is planned by its name alone\n`);
    return { ...loaded, baseFolder: resolve(context.settings.cacheFolder, "not-fetched") };
  }
}

/** The run's folder: the one that `--run` names, else by recipe and seed. */
export function runFolderOf({ recipes }: CliContext, { run }: TargetFlags, { name, seed }: Recipe): string {
  return resolve(recipes.workingFolder, run ?? `runs/${name}-${seed}`);
}

/** Terms accepted now, and those accepted when the run in a folder began; undefined for one that begins anew. */
export async function termsOfRun(
  { fs }: CliContext,
  folder: string | undefined,
  {
    recipe,
    acceptTerms: names = [],
  }: { readonly recipe: Recipe; readonly acceptTerms?: readonly string[] | undefined },
): Promise<AcceptedTerms[]> {
  const earlier = folder === undefined ? [] : await readAcceptedTerms(fs, folder);
  return joinTerms(earlier, acceptTerms(teacherEndpoints(recipe), names));
}
