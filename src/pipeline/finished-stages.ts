/** @file The stages of a run that are done, found from its folder alone: no engine, no recipe and no model is needed. */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { STAGE_NAMES, type StageManifest, type StageName } from "../schema/manifest.ts";
import { readEvents, readRunManifest } from "./run-folder.ts";
import { latestByStage } from "./run-status.ts";
import type { StageInput } from "./stage.ts";
import { openStageInput } from "./stage-files.ts";
import { inspectStage, stageFolder, type StageState, type Verification } from "./stage-folder.ts";

/** A stage's folder and what is found there. */
export interface FoundStage {
  readonly stage: StageName;
  readonly folder: string;
  readonly state: StageState;
}

/** The stages that were begun, in order, at the keys of the finished run or else of the newest tries. */
export async function findStages(fs: FileSystem, runFolder: string, verification: Verification): Promise<FoundStage[]> {
  const keys = await stageKeys(fs, runFolder);
  const found: FoundStage[] = [];
  for (const stage of STAGE_NAMES) {
    const key = keys.get(stage);
    if (key === undefined) continue;
    const folder = stageFolder(runFolder, stage, key);
    found.push({ stage, folder, state: await inspectStage(fs, folder, verification) });
  }
  return found;
}

/** Outputs of the stages that are done. */
export async function finishedStages(fs: FileSystem, runFolder: string): Promise<Map<StageName, StageInput>> {
  const found = await findStages(fs, runFolder, "sizes");
  return new Map(
    found.flatMap(({ stage, folder, state }) =>
      state.status === "done" ? [[stage, openStageInput(fs, folder, state.manifest)] as const] : [],
    ),
  );
}

/** Path of a stage's folder as the run last made it; one that is not there where it never did. */
export async function finishedStageFolder(fs: FileSystem, runFolder: string, stage: StageName): Promise<string> {
  const keys = await stageKeys(fs, runFolder);
  return stageFolder(runFolder, stage, keys.get(stage) ?? "missing");
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

async function stageKeys(fs: FileSystem, runFolder: string): Promise<Map<StageName, string>> {
  const manifest = await readRunManifest(fs, runFolder);
  if (manifest !== undefined) return new Map(manifest.stages.map(({ stage, key }) => [stage, key]));
  const latest = latestByStage(await readEvents(fs, runFolder));
  return new Map([...latest].flatMap(([stage, { key }]) => (key === undefined ? [] : [[stage, key] as const])));
}
