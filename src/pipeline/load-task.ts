/** @file From a task's name and its data to questions that can be asked. */
import { DATA_ENDINGS } from "../adapters/datasets/data-endings.ts";
import { inflate } from "../adapters/datasets/inflate.ts";
import { AppError } from "../core/errors.ts";
import { holdOut } from "../curate/hold-out.ts";
import { nearDuplicateClusters } from "../curate/near-duplicates.ts";
import { FAMILY_TASKS, type FamilyTaskName, familyTask, isFamilyTask } from "../evaluate/tasks/family-tasks.ts";
import { chooseQuestions, readQuestions } from "../evaluate/tasks/read-questions.ts";
import type { LoadedTask, TaskQuestion } from "../evaluate/tasks/task.ts";
import type { TaskDefinition } from "../evaluate/tasks/task-definition.ts";
import { findTask, TASKS } from "../evaluate/tasks/tasks.ts";
import { type UserTask, userTaskDefinition } from "../evaluate/tasks/user-task.ts";
import { isTaskFile, loadTaskFile } from "./load-task-file.ts";
import { didYouMean } from "./near-names.ts";
import { type HubAccess, openData, type OpenedData } from "./open-data.ts";

/** Which task, from which data. */
export interface LoadTaskOptions {
  /** A task's name or alias, or the path of a task file. */
  readonly name: string;
  /** A file, or `hf:owner/name@revision:path` on the hub. A task file names its own, which this replaces. */
  readonly data?: string;
  /** SHA-256 that the data must have. */
  readonly sha256?: string;
  readonly seed: number;
  /** At most so many questions, drawn by the seed. */
  readonly limit?: number;
  /** Folder that relative paths are seen from. */
  readonly workingFolder: string;
  readonly signal: AbortSignal;
  /** How to reach the hub; needed for `hf:` data alone. */
  readonly hub?: HubAccess;
}

/** A user's task, cut: what is evaluated, and what may be trained on. */
export interface CutTask {
  /** The held-out questions; all of them where the task has no hold-out cut. */
  readonly task: LoadedTask;
  /** The questions on the other side; none where the task has no cut. */
  readonly train: readonly TaskQuestion[];
}

/**
 * Loads a task; of a user's task with a hold-out cut, the held-out questions.
 *
 * @throws AppError "usage" for an unknown name or missing data; "record-invalid" naming row and field; "recipe-invalid" for a
 *   task file; the errors of reading and downloading.
 */
export async function loadTask(options: LoadTaskOptions): Promise<LoadedTask> {
  if (isTaskFile(options.name)) return (await loadCutTask(options)).task;
  if (isFamilyTask(options.name)) return loadFamilyTask(options.name, options);
  const definition = findTask(options.name);
  if (definition === undefined) throw unknownTask(options.name);
  if (options.data === undefined) throw dataMissing(definition);
  const data = await openData({ ...options, data: options.data });
  const questions = await readAll(definition, data, options);
  return loaded(definition, data, questions);
}

/** Loads a task file with both sides of its cut; the limit holds for the held-out side. Throws as {@link loadTask}. */
export async function loadCutTask(options: LoadTaskOptions): Promise<CutTask> {
  const { task, folder } = await loadTaskFile(options.name, options.workingFolder);
  const definition = userTaskDefinition(task);
  const data = await openUserData(task, folder, options);
  const { limit: _limit, ...unlimited } = options;
  const questions = await readAll(definition, data, unlimited);
  const { heldOut, train } = cut(questions, task);
  return { task: loaded(definition, data, chooseQuestions(heldOut, options)), train };
}

async function openUserData(task: UserTask, folder: string, options: LoadTaskOptions): Promise<OpenedData> {
  const sha256 = options.sha256 ?? task.sha256;
  const pin = sha256 === undefined ? {} : { sha256 };
  if (options.data !== undefined) return await openData({ ...options, ...pin, data: options.data });
  return await openData({ ...options, ...pin, data: task.data, workingFolder: folder });
}

/** Every question gets its cluster, cut or not, so that intervals do not take near-duplicates for independent ones. */
function cut(
  questions: readonly TaskQuestion[],
  { holdOut: options }: UserTask,
): { heldOut: readonly TaskQuestion[]; train: readonly TaskQuestion[] } {
  const texts = questions.map(({ id, prompt }) => ({ id, text: prompt }));
  const found = options === undefined ? undefined : holdOut(texts, options);
  const clusterOf = found?.clusterOf ?? nearDuplicateClusters(texts);
  const clustered = questions.map((question) => ({ ...question, cluster: clusterOf.get(question.id) ?? question.id }));
  if (found === undefined) return { heldOut: clustered, train: [] };
  return {
    heldOut: clustered.filter(({ id }) => found.heldOut.has(id)),
    train: clustered.filter(({ id }) => !found.heldOut.has(id)),
  };
}

async function readAll(
  definition: TaskDefinition,
  data: OpenedData,
  options: Pick<LoadTaskOptions, "seed" | "limit">,
): Promise<readonly TaskQuestion[]> {
  const read = await readQuestions(definition, data.rows(definition.rawFields), { ...options, inflate });
  return read.map(({ question }) => question);
}

function loaded(
  { name, version, promptVersion, profile, needs }: TaskDefinition,
  { source, sha256 }: OpenedData,
  questions: readonly TaskQuestion[],
): LoadedTask {
  return { name, version, promptVersion, profile, needs, source, sha256, questions };
}

function loadFamilyTask(name: FamilyTaskName, { data, seed, limit }: LoadTaskOptions): LoadedTask {
  if (data !== undefined)
    throw new AppError("usage", `task ${name} makes its own questions and reads no data`, {
      hint: "leave --data away",
    });
  return familyTask(name, limit === undefined ? { seed } : { seed, limit });
}

function unknownTask(name: string): AppError {
  if (DATA_ENDINGS.some((ending) => name.toLowerCase().endsWith(ending)))
    return new AppError("usage", `${name} is data, not a task`, {
      hint: `name the task that asks it (--task math500 --data ${name}), or write a task file of your own: docs/your-domain.md`,
      data: { name },
    });
  const names = [...TASKS.map((task) => task.name), ...FAMILY_TASKS];
  return new AppError("usage", `no task is called ${name}${didYouMean(name, names)}`, {
    hint: `give a task file (.json or .mjs), or one of: ${names.join(", ")}`,
    data: { name, names },
  });
}

function dataMissing({ name, source, layouts }: TaskDefinition): AppError {
  return new AppError("usage", `task ${name} needs its data: --data FILE, or --data hf:OWNER/NAME@REVISION:PATH`, {
    hint: `no benchmark comes with grappa; its source: ${source}; fields: ${layouts.join("; or ")}`,
    data: { task: name },
  });
}
