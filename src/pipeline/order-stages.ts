import { invariant } from "../core/errors.ts";
import { STAGE_NAMES } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import { inputsOf, type Stage } from "./stage.ts";

/** The stages in pipeline order; a subset is fine as long as every input is there. */
export function orderStages(stages: readonly Stage[], recipe: Recipe): Stage[] {
  const ordered = [...stages].sort((a, b) => STAGE_NAMES.indexOf(a.name) - STAGE_NAMES.indexOf(b.name));
  ordered.forEach((stage, index) => {
    const earlier = ordered.slice(0, index).map(({ name }) => name);
    invariant(
      inputsOf(stage, recipe).every((input) => earlier.includes(input)),
      `${stage.name} reads a stage that does not run before it`,
    );
  });
  return ordered;
}
