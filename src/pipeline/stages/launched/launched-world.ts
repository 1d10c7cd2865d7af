/** @file What the stages of a launched student need of the world, and who is meant by base and student. */
import type { BundleFile, Launcher, LauncherWorld } from "../../../adapters/launchers/launcher.ts";
import type { Waiting } from "../../../adapters/teacher/retry-delay.ts";
import type { LauncherFields } from "../../../schema/training-fields.ts";

/** See the file's head. */
export interface LaunchedWorld {
  /** Opens a launcher; whoever opens it closes it. */
  openLauncher(fields: LauncherFields, world: LauncherWorld, signal: AbortSignal): Promise<Launcher>;
  /** The trainer, as it came with grappa: Python files, and requirements.txt, at their places below the job's folder. */
  pythonFiles(): Promise<readonly BundleFile[]>;
  /** The program of generate jobs, bundled for Node. */
  generateProgram(): Promise<BundleFile>;
  readonly secrets: (name: string) => string | undefined;
  /** Folder that outlives runs. */
  readonly cacheFolder: string;
  /** Whether the embedded engine can hold the base, and so try and evaluate base and student on this machine. */
  readonly isHeldHere: boolean;
  /** Fetches the weights of a base on the hub; nothing for a folder. */
  bringBaseWeights(signal: AbortSignal): Promise<void>;
  waiting(seed: number): Waiting;
  /** Unix milliseconds. */
  now(): number;
}
