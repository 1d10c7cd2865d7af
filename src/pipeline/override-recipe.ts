/** @file `--set a.b=1`: changes one field of a recipe before it is checked. */
import { AppError } from "../core/errors.ts";
import { nearNames } from "./near-names.ts";
import { nodesAt, recipeFields } from "../schema/recipe-fields.ts";

/** One `--set`. */
export interface RecipeOverride {
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Parses "select.count=500". The value is JSON; what is not JSON is taken as text, so that names need no quotes.
 *
 * @throws AppError "usage" without a path or an equals sign.
 */
export function parseOverride(text: string): RecipeOverride {
  const equals = text.indexOf("=");
  const path = text.slice(0, Math.max(equals, 0)).split(".");
  if (equals < 1 || path.some((step) => step === "")) {
    throw new AppError("usage", `--set ${text}: expected PATH=VALUE`, { hint: "for example --set train.epochs=3" });
  }
  return { path, value: parseValue(text.slice(equals + 1)) };
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a bare word: names of teachers, folders and methods need no quotes
  }
}

/**
 * A copy of the recipe with the overrides applied in order.
 *
 * @throws AppError "recipe-invalid" when a path leads to no field, listing near names.
 */
export function overrideRecipe(recipe: unknown, overrides: readonly RecipeOverride[]): unknown {
  const copy: unknown = structuredClone(recipe);
  for (const { path, value } of overrides) {
    if (nodesAt(path, copy).length === 0) throw unknownPath(path.join("."));
    setAt(copy, path, value);
  }
  return copy;
}

function unknownPath(path: string): AppError {
  const near = nearNames(
    path,
    recipeFields().map((field) => field.path),
  );
  return new AppError("recipe-invalid", `--set ${path}: no such field`, {
    hint: near.length === 0 ? "docs/recipe.md lists every field" : `did you mean ${near.join(" or ")}?`,
    data: { problems: [{ path, message: "no such field" }], near },
  });
}

type Container = Record<string, unknown>;

function setAt(root: unknown, path: readonly string[], value: unknown): void {
  let holder = root as Container;
  for (const [depth, step] of path.slice(0, -1).entries()) {
    if (Array.isArray(holder)) requireIndex(holder, step, path);
    if (holder[step] === undefined) holder[step] = {};
    if (typeof holder[step] !== "object" || holder[step] === null)
      throw notAnObject(path.slice(0, depth + 1).join("."));
    holder = holder[step] as Container;
  }
  const last = path[path.length - 1] ?? "";
  if (Array.isArray(holder)) requireIndex(holder, last, path);
  holder[last] = value;
}

function requireIndex(list: readonly unknown[], step: string, path: readonly string[]): void {
  if (Number(step) < list.length) return;
  throw new AppError(
    "recipe-invalid",
    `--set ${path.join(".")}: the list has ${list.length} items, there is no item ${step}`,
    {
      hint: "items count from 0; set the whole list to add one",
    },
  );
}

function notAnObject(path: string): AppError {
  return new AppError("recipe-invalid", `--set: ${path} holds a plain value, nothing can be set below it`);
}
