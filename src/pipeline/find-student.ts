import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { findStageKey } from "./finished-stages.ts";
import { readHeader } from "./run-folder.ts";
import { inspectStage, stageFolder } from "./stage-folder.ts";

/**
 * Folder of the student that a run trained; the run itself need not be finished.
 *
 * @throws AppError "file-missing" while training is not done; "file-corrupt" when its output is damaged.
 */
export async function findStudent(fs: FileSystem, runFolder: string): Promise<string> {
  const key = await findStageKey(fs, runFolder, "train");
  if (key === undefined) throw await notTrained(fs, runFolder);
  const folder = stageFolder(runFolder, "train", key);
  const state = await inspectStage(fs, folder, "sizes");
  if (state.status === "damaged") {
    throw new AppError("file-corrupt", `${folder}: ${state.reason}`, {
      hint: "run the recipe again with --from train",
    });
  }
  if (state.status !== "done") throw await notTrained(fs, runFolder);
  const student = joinPath(folder, "student");
  if ((await fs.kind(student)) === "folder") return student;
  throw new AppError("usage", `${runFolder}: its student was trained elsewhere, and its weights are not here`, {
    hint: `ask it where it is served; ${joinPath(folder, "student.json")} tells its name`,
  });
}

async function notTrained(fs: FileSystem, runFolder: string): Promise<AppError> {
  const header = await readHeader(fs, runFolder);
  return new AppError("file-missing", `${runFolder}: this run has not trained its student yet`, {
    hint: header ? `go on with it: ${header.command}` : "`grappa demo` makes a run",
  });
}
