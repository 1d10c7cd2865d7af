/** @file The launcher that a recipe names. */
import { AppError } from "../../core/errors.ts";
import type { LauncherFields } from "../../schema/training-fields.ts";
import type { BundleFile, Launcher, LauncherWorld } from "./launcher.ts";

/** Opens a launcher; whoever opens it closes it. Throws AppError "usage" where its key or its machine is missing. */
export async function openLauncher(
  fields: LauncherFields,
  _world: LauncherWorld,
  _signal: AbortSignal,
): Promise<Launcher> {
  return await Promise.reject(new AppError("usage", `the launcher ${fields.type} is not built in`));
}

/** The trainer's Python files, as they came with grappa. */
export async function trainerFiles(): Promise<readonly BundleFile[]> {
  return await Promise.resolve([]);
}
