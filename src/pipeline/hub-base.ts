/** @file A base student on the hub: its description in the cache, its revision pinned to a commit, its weights where this machine computes. */
import { fetchHubModel } from "../adapters/datasets/hub/fetch-hub-model.ts";
import { DEFAULT_HUB } from "../adapters/datasets/hub/hub-http.ts";
import {
  type HubReference,
  hubSource,
  isHubReference,
  parseHubReference,
} from "../adapters/datasets/hub/hub-reference.ts";
import { systemWaiting } from "../adapters/teacher/retry-delay.ts";
import { AppError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { LoadedRecipe } from "./load-recipe.ts";
import type { HubAccess } from "./open-data.ts";

/** Whether a recipe's base is on the hub, to be fetched from there. */
export function isHubBase({ student }: Pick<Recipe, "student">): boolean {
  return student.hosted === undefined && isHubReference(student.base);
}

/**
 * A loaded recipe whose base is in the cache, its revision a commit; a recipe with another base as it is. No weights are
 * fetched: what is planned, tokenised and sent to a launcher needs none.
 *
 * @param recorded the recipe of the run that is gone on with: its commit stands for a branch or tag of the same model, which
 *   may have moved since
 * @throws AppError "usage" for another form of reference; of reaching the hub.
 */
export async function withHubBase(
  loaded: LoadedRecipe,
  hub: HubAccess,
  recorded?: Pick<Recipe, "student">,
): Promise<LoadedRecipe> {
  if (!isHubBase(loaded.recipe)) return loaded;
  const { student } = loaded.recipe;
  const reference = asRecorded(parseBase(student.base), recorded);
  const { commit, folder } = await fetchHubModel(reference, "description", portsOf(hub, NEVER));
  const recipe = { ...loaded.recipe, student: { ...student, base: hubSource(reference, commit) } };
  return { ...loaded, recipe, baseFolder: folder };
}

/** Fetches the weights of a base on the hub, for the embedded engine; nothing for another base. */
export async function bringBaseWeights(
  recipe: Pick<Recipe, "student">,
  hub: HubAccess | undefined,
  signal: AbortSignal = NEVER,
): Promise<void> {
  if (!isHubBase(recipe) || hub === undefined) return;
  await fetchHubModel(parseBase(recipe.student.base), "whole", portsOf(hub, signal));
}

/** What outputs depend on of a base on the hub: its commit stands for every byte of it. */
export function describeHubBase({ student }: Pick<Recipe, "student">): string {
  return sha256Hex(student.base);
}

const NEVER = new AbortController().signal;

const COMMIT = /^[0-9a-f]{40}$/;

/** The reference with the commit that a run recorded of the same model, unless it names one itself. */
function asRecorded(reference: HubReference, recorded: Pick<Recipe, "student"> | undefined): HubReference {
  if (recorded === undefined || !isHubBase(recorded) || COMMIT.test(reference.revision)) return reference;
  const earlier = parseBase(recorded.student.base);
  return earlier.repo === reference.repo ? earlier : reference;
}

function parseBase(base: string): HubReference {
  const reference = parseHubReference(base);
  if (reference.selection === undefined && reference.repo.includes("/")) return reference;
  throw new AppError("recipe-invalid", `student.base: ${base} names no model on the hub`, {
    hint: "write hf:OWNER/NAME@REVISION; @main takes the newest and records its commit",
  });
}

function portsOf({ cacheFolder, token, endpoint }: HubAccess, signal: AbortSignal) {
  return {
    cacheFolder,
    token,
    endpoint: endpoint === undefined || endpoint === "" ? DEFAULT_HUB : endpoint,
    waiting: systemWaiting(0),
    signal,
  };
}
