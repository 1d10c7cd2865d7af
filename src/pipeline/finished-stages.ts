/** @file The stages of a run that are done, found from its folder alone: no engine, no recipe and no model is needed. */
import type { FileSystem } from "../adapters/file-system.ts";
import { STAGE_NAMES, type StageName } from "../schema/manifest.ts";
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

async function stageKeys(fs: FileSystem, runFolder: string): Promise<Map<StageName, string>> {
  const manifest = await readRunManifest(fs, runFolder);
  if (manifest !== undefined) return new Map(manifest.stages.map(({ stage, key }) => [stage, key]));
  const latest = latestByStage(await readEvents(fs, runFolder));
  return new Map([...latest].flatMap(([stage, { key }]) => (key === undefined ? [] : [[stage, key] as const])));
}
