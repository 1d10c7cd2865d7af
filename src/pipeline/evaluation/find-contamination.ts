/** @file Which questions of a task a run's student was trained on. */
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { readJsonl } from "../../adapters/store/jsonl.ts";
import type { IdentifiedText } from "../../curate/identified-text.ts";
import { findOverlap } from "../../curate/text-overlap.ts";
import type { LoadedTask } from "../../evaluate/tasks/task.ts";
import { questionId } from "../../questions/bucket.ts";
import type { Contamination } from "../../schema/evaluation-summary.ts";
import { Question, Selection } from "../../schema/records.ts";
import type { StageName } from "../../schema/manifest.ts";
import { finishedStageFolder } from "../finished-stages.ts";

/**
 * Looks for the task's questions among those that the run selected to train on: the same text, or a run of eight words
 * in common. Ids in the result are the task's.
 *
 * @throws AppError "file-missing" and others when the run's questions cannot be read.
 */
export async function findContamination(
  fs: FileSystem,
  runFolder: string,
  task: Pick<LoadedTask, "questions">,
): Promise<Contamination> {
  // A training question's id is a hash of its text; a task's question has another id for the same text.
  const asked = new Map(task.questions.map(({ id, prompt }) => [questionId(prompt), { id, text: prompt }]));
  const texts = [...asked].map(([id, { text }]) => ({ id, text }));
  const found = findOverlap(texts, await trainingQuestions(fs, runFolder));
  const taskIds = (ids: readonly string[]): string[] => ids.map((id) => asked.get(id)?.id ?? id).sort();
  return { ...found, sameId: taskIds(found.sameId), sharedText: taskIds(found.sharedText) };
}

/** The questions that the run selected to train on. */
async function trainingQuestions(fs: FileSystem, runFolder: string): Promise<IdentifiedText[]> {
  const selected = new Set<string>();
  for await (const row of readJsonl(await stageFile(fs, runFolder, ["select", "selection.jsonl"]), Selection))
    selected.add(row.questionId);
  const found: IdentifiedText[] = [];
  for await (const { id, text } of readJsonl(await stageFile(fs, runFolder, ["attempt", "questions.jsonl"]), Question))
    if (selected.has(id)) found.push({ id, text });
  return found;
}

async function stageFile(fs: FileSystem, runFolder: string, [stage, file]: readonly [StageName, string]) {
  return joinPath(await finishedStageFolder(fs, runFolder, stage), file);
}
