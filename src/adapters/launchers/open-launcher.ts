/** @file The launcher that a recipe names. */
import type { LauncherFields } from "../../schema/training-fields.ts";
import { HfJobsLauncher } from "./hf-jobs-launcher.ts";
import type { Launcher, LauncherWorld } from "./launcher.ts";
import { RayLauncher } from "./ray-launcher.ts";
import { SlurmLauncher } from "./slurm-launcher.ts";
import { openTorchrunLauncher } from "./torchrun-launcher.ts";

/**
 * Opens the launcher that a recipe names. Only `torchrun` looks at the machine for this.
 *
 * @throws AppError "usage" where the recipe asks for what this machine cannot give, or a key is missing
 */
export async function openLauncher(
  fields: LauncherFields,
  world: LauncherWorld,
  signal: AbortSignal,
): Promise<Launcher> {
  switch (fields.type) {
    case "torchrun":
      return await openTorchrunLauncher(fields, world, signal);
    case "slurm":
      return new SlurmLauncher(fields);
    case "ray":
      return new RayLauncher(fields, world);
    case "hf-jobs":
      return new HfJobsLauncher(fields, world);
    default:
      return fields satisfies never;
  }
}
