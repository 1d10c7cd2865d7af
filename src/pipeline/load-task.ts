/** @file From a task's name and its data to questions that can be asked. */
import { inflate } from "../adapters/datasets/inflate.ts";
import { AppError } from "../core/errors.ts";
import { readQuestions } from "../evaluate/tasks/read-questions.ts";
import { FAMILY_TASKS, familyTask, isFamilyTask } from "../evaluate/tasks/family-tasks.ts";
import type { LoadedTask } from "../evaluate/tasks/task.ts";
import type { TaskDefinition } from "../evaluate/tasks/task-definition.ts";
import { findTask, TASKS } from "../evaluate/tasks/tasks.ts";
import { type HubAccess, openData } from "./open-data.ts";
import { didYouMean } from "./near-names.ts";

/** Which task, from which data. */
export interface LoadTaskOptions {
  /** A task's name or alias, or the path of a task file. */
  readonly name: string;
  /** A file, or `hf:owner/name@revision:path` on the hub. */
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

/**
 * Loads a task.
 *
 * @throws AppError "usage" for an unknown name or missing data; "record-invalid" naming row and field; the errors of reading
 *   and downloading.
 */
export async function loadTask(options: LoadTaskOptions): Promise<LoadedTask> {
  if (isFamilyTask(options.name)) return loadFamilyTask(options.name, options);
  const definition = findTask(options.name);
  if (definition === undefined) throw unknownTask(options.name);
  if (options.data === undefined) throw dataMissing(definition);
  const data = await openData({ ...options, data: options.data });
  const questions = await readQuestions(definition, data.rows(definition.rawFields), { ...options, inflate });
  const { name, version, promptVersion, profile, needs } = definition;
  return {
    name,
    version,
    promptVersion,
    profile,
    needs,
    source: data.source,
    sha256: data.sha256,
    questions: questions.map(({ question }) => question),
  };
}

function loadFamilyTask(name: "arithmetic" | "program", { data, seed, limit }: LoadTaskOptions): LoadedTask {
  if (data !== undefined)
    throw new AppError("usage", `task ${name} makes its own questions and reads no data`, {
      hint: "leave --data away",
    });
  return familyTask(name, limit === undefined ? { seed } : { seed, limit });
}

function unknownTask(name: string): AppError {
  const names = [...TASKS.map((task) => task.name), ...FAMILY_TASKS];
  return new AppError("usage", `no task is called ${name}${didYouMean(name, names)}`, {
    hint: `give a task file, or one of: ${names.join(", ")}`,
    data: { name, names },
  });
}

function dataMissing({ name, source, layouts }: TaskDefinition): AppError {
  return new AppError("usage", `task ${name} needs its data: --data FILE, or --data hf:OWNER/NAME@REVISION:PATH`, {
    hint: `no benchmark comes with grappa; its source: ${source}; fields: ${layouts.join("; or ")}`,
    data: { task: name },
  });
}
