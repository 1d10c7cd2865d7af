/** @file From a recipe's name or path to a checked, resolved recipe and the folder of its base student. */
import { dirname, extname, isAbsolute, relative, resolve } from "node:path";
import { cachedHubModel } from "../adapters/datasets/hub/fetch-hub-model.ts";
import { isHubReference, parseHubReference } from "../adapters/datasets/hub/hub-reference.ts";
import { type FileSystem, joinPath, toSlashes } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import type { Recipe } from "../schema/recipe.ts";
import { refuseOtherVersion } from "../schema/record-version.ts";
import { checkRecipe, recipeInvalid, type RecipeOrigin } from "./check-recipe.ts";
import { withKeyFiles } from "./key-files.ts";
import { didYouMean } from "./near-names.ts";
import { overrideRecipe, type RecipeOverride } from "./override-recipe.ts";
import { parseRecipeText } from "./recipe-text.ts";
import { movePlaces, moveTeacher } from "./sources/source-places.ts";

/** Larger than any recipe written by a person. */
const MAX_RECIPE_BYTES = 1024 * 1024;

/** What loading a recipe needs of the world. */
export interface RecipePorts {
  readonly fs: FileSystem;
  /** The default export of a JavaScript module; throws "recipe-invalid". Runs the module: only for files that the user names. */
  importDefault(path: string): Promise<unknown>;
  /** Folder of the installed package, for the recipes that come with it. */
  readonly packageFolder: string;
  readonly workingFolder: string;
}

/** Where a base was found. */
export interface FoundBase {
  /** Absolute folder of the base student; of the recipe where it is hosted, or on the hub and not fetched yet. */
  readonly baseFolder: string;
  /** Whether it goes by a name: it comes with grappa, is on the hub, or hosted. */
  readonly isBuiltinBase: boolean;
}

/** A recipe ready to run. */
export interface LoadedRecipe extends FoundBase {
  readonly recipe: Recipe;
  /** Where it was read. */
  readonly path: string;
}

/**
 * Reads a recipe: a path to .json, .js or .mjs, or the name of one that comes with grappa.
 *
 * @throws AppError "file-missing" naming what was tried; "recipe-invalid" with all problems at once; "schema-version" for a
 *   recipe of another format, before its fields are looked at.
 */
export async function loadRecipe(
  nameOrPath: string,
  overrides: readonly RecipeOverride[],
  ports: RecipePorts,
): Promise<LoadedRecipe> {
  const path = await findRecipe(nameOrPath, ports);
  const { value, origin } = await readRecipeFile(path, nameOrPath, ports);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw recipeInvalid(origin.name, [
      { path: "", message: `a recipe is an object, found ${Array.isArray(value) ? "a list" : String(value)}` },
    ]);
  }
  refuseOtherVersion(value, path);
  const recipe = checkRecipe(overrideRecipe(value, overrides), withoutPlaceOf(overrides, origin));
  const folder = dirname(path);
  if (recipe.student.hosted) return { recipe, path, baseFolder: folder, isBuiltinBase: true };
  // Where on this disk a base of the hub is, `withHubBase` tells once it is there.
  if (isHubReference(recipe.student.base)) return { recipe, path, baseFolder: folder, isBuiltinBase: true };
  return { recipe, path, ...(await findBase(recipe.student.base, folder, ports)) };
}

/** Problems with what `--set` gave stand nowhere in the file, so they get no line. */
function withoutPlaceOf(overrides: readonly RecipeOverride[], { name, locate }: RecipeOrigin): RecipeOrigin {
  if (!locate) return { name };
  const isSet = (keys: readonly PropertyKey[]): boolean =>
    overrides.some(({ path }) => path.every((step, depth) => step === String(keys[depth])));
  return { name, locate: (keys) => (isSet(keys) ? undefined : locate(keys)) };
}

/**
 * A base's folder: seen from the recipe, or else by name among those that come with grappa; of one on the hub, at the commit
 * that it is recorded with, its place in the cache.
 */
export async function findBase(
  base: string,
  recipeFolder: string,
  { fs, packageFolder, cacheFolder }: Pick<RecipePorts, "fs" | "packageFolder"> & { readonly cacheFolder?: string },
): Promise<FoundBase> {
  if (isHubReference(base)) {
    const { repo, revision } = parseHubReference(base);
    return { baseFolder: cachedHubModel(cacheFolder ?? recipeFolder, repo, revision), isBuiltinBase: true };
  }
  const baseFolder = resolve(recipeFolder, base);
  if (/^[a-z0-9-]+$/.test(base) && (await fs.kind(baseFolder)) === "none") {
    const builtin = joinPath(packageFolder, `models/${base}`);
    if ((await fs.kind(builtin)) === "folder") return { baseFolder: builtin, isBuiltinBase: true };
  }
  return { baseFolder, isBuiltinBase: false };
}

/**
 * The recipe with its base, its files and its key files given as seen from `folder`, so that it means the same when read
 * from there. A key file that is named from the root stays so named.
 */
export function recipeSeenFrom(folder: string, { recipe, baseFolder, isBuiltinBase, path }: LoadedRecipe): Recipe {
  const seen = (file: string): string => toSlashes(relative(folder, resolve(dirname(path), file)));
  const keyed = withKeyFiles(recipe, (file) => (isAbsolute(file) ? file : seen(file)));
  const { $schema: _schema, schemaVersion: _version, ...rest } = keyed;
  const base = isBuiltinBase ? recipe.student.base : toSlashes(relative(folder, baseFolder));
  const trace = { ...keyed.trace, teacher: moveTeacher(keyed.trace.teacher, seen) };
  return { ...rest, collect: movePlaces(recipe.collect, seen), trace, student: { ...recipe.student, base } };
}

/** Names of the recipes that come with grappa. */
export async function builtinRecipes({
  fs,
  packageFolder,
}: Pick<RecipePorts, "fs" | "packageFolder">): Promise<string[]> {
  return await fs.names(joinPath(packageFolder, "recipes"));
}

async function findRecipe(nameOrPath: string, ports: RecipePorts): Promise<string> {
  const path = isAbsolute(nameOrPath) ? nameOrPath : resolve(ports.workingFolder, nameOrPath);
  const kind = await ports.fs.kind(path);
  if (kind === "file") return path;
  if (kind === "folder") {
    for (const name of ["recipe.json", "recipe.resolved.json"])
      if ((await ports.fs.kind(joinPath(path, name))) === "file") return joinPath(path, name);
  }
  if (/^[a-z0-9-]+$/.test(nameOrPath)) {
    const builtin = joinPath(ports.packageFolder, `recipes/${nameOrPath}/recipe.json`);
    if ((await ports.fs.kind(builtin)) === "file") return builtin;
  }
  if (kind === "folder") {
    throw new AppError("file-missing", `${path}: the folder holds no recipe.json`, {
      hint: "`grappa init FOLDER` writes one to start from",
      data: { path },
    });
  }
  const names = await builtinRecipes(ports);
  throw new AppError(
    "file-missing",
    `no recipe at ${path}, and none that comes with grappa is called ${nameOrPath}${didYouMean(nameOrPath, names)}`,
    {
      hint: `give a path to a recipe, or one of: ${names.join(", ")}; \`grappa init\` writes one to start from`,
      data: { path, builtin: names },
    },
  );
}

async function readRecipeFile(
  path: string,
  name: string,
  ports: RecipePorts,
): Promise<{ value: unknown; origin: RecipeOrigin }> {
  const extension = extname(path);
  if (extension === ".js" || extension === ".mjs") return { value: await importRecipe(path, ports), origin: { name } };
  if (extension !== ".json" && extension !== ".jsonc") {
    throw new AppError(
      "usage",
      `${path}: a recipe is a .json, .js or .mjs file, not ${extension || "one without an extension"}`,
    );
  }
  const { value, problems, locate } = parseRecipeText(await ports.fs.readText(path, MAX_RECIPE_BYTES));
  if (problems.length > 0) throw recipeInvalid(name, problems);
  return { value, origin: { name, locate } };
}

async function importRecipe(path: string, ports: RecipePorts): Promise<unknown> {
  const value = await ports.importDefault(path);
  if (value === undefined)
    throw new AppError("recipe-invalid", `${path}: no default export`, {
      hint: "export default defineRecipe({ ... })",
    });
  try {
    // Only plain data goes further: what is checked here is what the manifest will hold.
    return JSON.parse(JSON.stringify(value));
  } catch (cause) {
    throw new AppError("recipe-invalid", `${path}: the default export is not plain data`, { cause });
  }
}
