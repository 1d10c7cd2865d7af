/** @file Base and student of a run whose student a launcher trains, for jobs that load them. */
import { isHubReference, parseHubReference } from "../../../adapters/datasets/hub/hub-reference.ts";
import type { BundleFile } from "../../../adapters/launchers/launcher.ts";
import type { StageContext } from "../../stage.ts";

/** A model as a job names it: a folder of this machine that travels with it, or a commit on the hub. */
export type JobModel =
  | { readonly type: "folder"; readonly folder: string }
  | { readonly type: "hub"; readonly repository: string; readonly commit: string };

/** The run's base. A base on the hub stands in the run's recipe with its commit. */
export function jobBase({ recipe, baseFolder }: Pick<StageContext, "recipe" | "baseFolder">): JobModel {
  const { base } = recipe.student;
  if (!isHubReference(base)) return { type: "folder", folder: baseFolder };
  const { repo, revision } = parseHubReference(base);
  return { type: "hub", repository: repo, commit: revision };
}

/** The trained student, for stages that read `train`. */
export function jobStudent({ input }: Pick<StageContext, "input">): JobModel {
  return { type: "folder", folder: input("train").path("student") };
}

/** How a job's configuration names a model, and what must travel with it; `place` is the folder's name in the bundle. */
export function inBundle(
  model: JobModel,
  place: string,
): { readonly model: string; readonly revision: string | null; readonly files: readonly BundleFile[] } {
  return model.type === "hub"
    ? { model: model.repository, revision: model.commit, files: [] }
    : { model: place, revision: null, files: [{ path: place, from: model.folder }] };
}
