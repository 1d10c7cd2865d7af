import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { StageManifest, type StageName } from "../schema/manifest.ts";
import { parseRecord } from "./parse-record.ts";
import { readEvents, readHeader, readRunManifest } from "./run-folder.ts";
import type { StageInput } from "./stage.ts";
import { openStageInput } from "./stage-files.ts";
import { stageFolder } from "./stage-folder.ts";

const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/**
 * The key of a run's stage: that of the finished run, or of the stage's last try. undefined while there was none.
 */
export async function findStageKey(fs: FileSystem, runFolder: string, stage: StageName): Promise<string | undefined> {
  const manifest = await readRunManifest(fs, runFolder);
  const finished = manifest?.stages.find((each) => each.stage === stage)?.key;
  if (finished !== undefined) return finished;
  const events = await readEvents(fs, runFolder);
  return events.filter((event) => event.stage === stage && event.key !== undefined).at(-1)?.key;
}

/**
 * The finished output of a run's stage; the run itself need not be finished. Its files are not looked at.
 *
 * @throws AppError "file-missing" while the stage is not done.
 */
export async function openStage(fs: FileSystem, runFolder: string, stage: StageName): Promise<StageInput> {
  const key = await findStageKey(fs, runFolder, stage);
  const folder = key === undefined ? undefined : stageFolder(runFolder, stage, key);
  const path = folder === undefined ? undefined : joinPath(folder, "manifest.json");
  if (folder !== undefined && path !== undefined && (await fs.kind(path)) === "file")
    return openStageInput(fs, folder, parseRecord(await fs.readText(path, MAX_MANIFEST_BYTES), StageManifest, path));
  const header = await readHeader(fs, runFolder);
  throw new AppError("file-missing", `${runFolder}: this run's stage ${stage} is not done yet`, {
    hint: header ? `go on with it: ${header.command}` : "`grappa demo` makes a run",
    data: { stage },
  });
}
