/** @file The finished stages of a run as it last made them, for whoever reads a run's folder without its recipe's wiring. */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import type { StageManifest, StageName } from "../schema/manifest.ts";
import { readEvents, readRunManifest } from "./run-folder.ts";
import { openStageInput } from "./stage-files.ts";
import { inspectStage, stageFolder, type Verification } from "./stage-folder.ts";
import type { StageInput } from "./stage.ts";

/** Path of a stage's folder as the run last made it; one that is not there where it never did. */
export async function finishedStageFolder(fs: FileSystem, runFolder: string, stage: StageName): Promise<string> {
  const manifest = await readRunManifest(fs, runFolder);
  const key =
    manifest?.stages.find((one) => one.stage === stage)?.key ??
    (await readEvents(fs, runFolder)).filter((event) => event.stage === stage && event.key !== undefined).at(-1)?.key;
  return stageFolder(runFolder, stage, key ?? "missing");
}

/** A finished stage, and its manifest. */
export interface FinishedStage {
  readonly manifest: StageManifest;
  readonly input: StageInput;
}

/**
 * Opens a stage that is done.
 *
 * @throws AppError "file-missing" where the run has not come so far; "file-corrupt" where its files are not as its manifest says.
 */
export async function openFinishedStage(
  fs: FileSystem,
  runFolder: string,
  { stage, verification }: { readonly stage: StageName; readonly verification: Verification },
): Promise<FinishedStage> {
  const folder = await finishedStageFolder(fs, runFolder, stage);
  const state = await inspectStage(fs, folder, verification);
  if (state.status === "done") return { manifest: state.manifest, input: openStageInput(fs, folder, state.manifest) };
  if (state.status === "damaged")
    throw new AppError("file-corrupt", `${folder}: ${state.reason}`, {
      hint: "`grappa run` with --verify makes the stage again",
      data: { stage, folder },
    });
  throw new AppError("file-missing", `${joinPath(runFolder, "")}: stage ${stage} is not finished`, {
    hint: `go on with the run until it is, for example with --until ${stage}`,
    data: { stage, runFolder },
  });
}
