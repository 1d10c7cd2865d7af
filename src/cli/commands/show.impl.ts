import { resolve } from "node:path";
import { joinPath } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";
import { type QuestionStory, readDroppedEarly, readStory } from "../../pipeline/question-story.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { findRun } from "../find-run.ts";
import { shownPath } from "../shown-path.ts";
import { describeDroppedEarly, describeStory } from "../story-text.ts";

interface ShowFlags extends CommonFlags {
  readonly run?: string;
  readonly full: boolean;
}

/** Tells one question's story. */
export default presenting<ShowFlags, [string]>(async (context, { run, full }, id) => {
  const folders = run === undefined ? await allRuns(context) : [await findRun(context, run)];
  const told: { readonly folder: string; readonly story: QuestionStory }[] = [];
  for (const folder of folders) {
    const story = await readStory(context.fs, folder, id);
    if (story !== undefined) told.push({ folder: shownPath(context, folder), story });
  }
  const [first, ...others] = told;
  if (first === undefined) return await droppedEarly(context, folders, id);
  if (others.length > 0) throw inSeveral(told, id);
  return {
    json: { run: first.folder, ...first.story },
    text: `${first.folder}\n${describeStory(first.story, { isFull: full })}`,
  };
});

/** A question that went before anybody was asked. */
async function droppedEarly(context: CliContext, folders: readonly string[], id: string) {
  for (const folder of folders) {
    const dropped = await readDroppedEarly(context.fs, folder, id);
    if (dropped.length === 0) continue;
    const run = shownPath(context, folder);
    return { json: { run, question: null, dropped }, text: `${run}\n${describeDroppedEarly(dropped)}` };
  }
  throw nowhere(context, folders, id);
}

/** Folders of the runs in `runs/`. */
async function allRuns({ fs, recipes }: CliContext): Promise<string[]> {
  const runs = resolve(recipes.workingFolder, "runs");
  const folders: string[] = [];
  for (const name of await fs.names(runs))
    if ((await fs.kind(joinPath(runs, `${name}/run.json`))) === "file") folders.push(joinPath(runs, name));
  return folders;
}

function nowhere(context: CliContext, folders: readonly string[], id: string): AppError {
  const places = folders.map((folder) => shownPath(context, folder));
  const where = places.length === 0 ? "and there is no run in runs/" : `looked in ${places.join(", ")}`;
  return new AppError("file-missing", `no question or trace ${id}; ${where}`, {
    hint: "ids stand in a run's questions.jsonl, selection.jsonl and dropped.jsonl; --run RUN names another run",
    data: { id, runs: places },
  });
}

function inSeveral(told: readonly { readonly folder: string }[], id: string): AppError {
  const runs = told.map(({ folder }) => folder);
  return new AppError("usage", `${id} is in ${runs.length} runs: ${runs.join(", ")}`, {
    hint: "--run RUN says which",
    data: { id, runs },
  });
}
