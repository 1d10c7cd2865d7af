import { type FileSystem } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import type { TaskQuestion } from "../evaluate/tasks/task.ts";
import { loadCutTask, type LoadTaskOptions } from "./load-task.ts";

/** Where the training side went, and how the cut fell. */
export interface SplitResult {
  readonly path: string;
  readonly train: number;
  readonly heldOut: number;
  /** Clusters of near-duplicates on each side; none is on both. */
  readonly trainClusters: number;
  readonly heldOutClusters: number;
}

/**
 * Writes the questions that a user's task does not hold out, a JSON line each: id, cluster, question, answer, metadata.
 *
 * @throws AppError "usage" for a task without a cut, "file-denied" where another file is in the way; as `loadCutTask`.
 */
export async function splitTask(options: LoadTaskOptions, path: string, fs: FileSystem): Promise<SplitResult> {
  const { task, train } = await loadCutTask(options);
  if (train.length === 0) {
    throw new AppError("usage", `${options.name} has no hold-out cut: all of its questions are evaluated on`, {
      hint: 'add "holdOut": { "share": 0.25 } to the task file',
    });
  }
  const text = train.map((question) => `${JSON.stringify(trainRow(question))}\n`).join("");
  if (!(await fs.createExclusive(path, text)) && (await fs.readText(path, 8 * 1024 ** 3)) !== text) {
    throw new AppError("file-denied", `${path}: another file is there already`, {
      hint: "choose another name, or delete it",
      data: { path },
    });
  }
  return {
    path,
    train: train.length,
    heldOut: task.questions.length,
    trainClusters: clusters(train),
    heldOutClusters: clusters(task.questions),
  };
}

function trainRow({ id, cluster, prompt, gold, metadata }: TaskQuestion): Record<string, unknown> {
  return { id, cluster, question: prompt, answer: gold, metadata };
}

const clusters = (questions: readonly TaskQuestion[]): number => new Set(questions.map(({ cluster }) => cluster)).size;
