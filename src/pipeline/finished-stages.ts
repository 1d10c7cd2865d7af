/** @file The stages of a run that are done, found from its folder alone: no engine, no recipe and no model is needed. */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { STAGE_NAMES, StageManifest, type StageName } from "../schema/manifest.ts";
import { parseRecord } from "./parse-record.ts";
import { readEvents, readHeader, readRunManifest } from "./run-folder.ts";
import { latestByStage } from "./run-status.ts";
import type { StageInput } from "./stage.ts";
import { openStageInput } from "./stage-files.ts";
import { inspectStage, stageFolder, type StageState, type Verification } from "./stage-folder.ts";

const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

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
  return stageFolder(runFolder, stage, (await findStageKey(fs, runFolder, stage)) ?? "missing");
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
  throw await notDone(fs, runFolder, stage);
}

/**
 * The output of a stage as its files lie, changed or not, for whoever looks at them.
 *
 * @throws AppError "file-missing" while the stage is not done.
 */
export async function openStageAsItLies(fs: FileSystem, runFolder: string, stage: StageName): Promise<StageInput> {
  const folder = await finishedStageFolder(fs, runFolder, stage);
  const path = joinPath(folder, "manifest.json");
  if ((await fs.kind(path)) !== "file") throw await notDone(fs, runFolder, stage);
  return openStageInput(fs, folder, parseRecord(await fs.readText(path, MAX_MANIFEST_BYTES), StageManifest, path));
}

async function notDone(fs: FileSystem, runFolder: string, stage: StageName): Promise<AppError> {
  const header = await readHeader(fs, runFolder);
  return new AppError("file-missing", `${runFolder}: this run's stage ${stage} is not done yet`, {
    hint: header ? `go on with it: ${header.command}` : "`grappa demo` makes a run",
    data: { stage },
  });
}

/** The key of a run's stage: that of the finished run, or of the stage's last try; undefined while there was none. */
export async function findStageKey(fs: FileSystem, runFolder: string, stage: StageName): Promise<string | undefined> {
  return (await stageKeys(fs, runFolder)).get(stage);
}

async function stageKeys(fs: FileSystem, runFolder: string): Promise<Map<StageName, string>> {
  const manifest = await readRunManifest(fs, runFolder);
  if (manifest !== undefined) return new Map(manifest.stages.map(({ stage, key }) => [stage, key]));
  const latest = latestByStage(await readEvents(fs, runFolder));
  return new Map([...latest].flatMap(([stage, { key }]) => (key === undefined ? [] : [[stage, key] as const])));
}
