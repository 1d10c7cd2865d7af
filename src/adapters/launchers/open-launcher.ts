import { invariant } from "../../core/errors.ts";
import type { LauncherFields } from "../../schema/training-fields.ts";
import type { Launcher, LauncherWorld } from "./launcher.ts";
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
    default:
      // ray-launcher.ts and hf-jobs-launcher.ts come from their own branches.
      invariant(false, `the launcher ${fields.type} is not built into this version`);
  }
}
