/** @file The benchmarks that a recipe is decontaminated against, as far as their data is here. */
import { basename, resolve } from "node:path";
import { isHubReference } from "../../adapters/datasets/hub/hub-reference.ts";
import { AppError } from "../../core/errors.ts";
import type { Benchmark } from "../../curate/decontaminate.ts";
import type { CheckedBenchmark, UncheckedBenchmark } from "../../schema/curation.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { loadTask } from "../load-task.ts";
import { isTaskFile } from "../load-task-file.ts";
import type { HubAccess } from "../open-data.ts";

/** Where data is found. */
export interface BenchmarkPorts {
  /** Folder that paths are seen from. */
  readonly recipeFolder: string;
  readonly signal: AbortSignal;
  /** How to reach the hub; without it what lies there is not checked. */
  readonly hub?: HubAccess | undefined;
}

/** What was loaded, what is said of it, and what was not. */
export interface LoadedBenchmarks {
  readonly benchmarks: readonly Benchmark[];
  readonly checked: readonly CheckedBenchmark[];
  readonly notChecked: readonly UncheckedBenchmark[];
}

type Decontamination = NonNullable<NonNullable<Recipe["curate"]>["decontaminate"]>;

/**
 * Loads every benchmark that can be loaded. What cannot, for want of data or for what the data holds, is named with the reason.
 *
 * @throws AppError for what may go well the next time, such as a hub that does not answer or wants a token: a run that is
 *   cached must not depend on it.
 */
export async function loadBenchmarks(
  { against }: Decontamination,
  { recipeFolder, signal, hub }: BenchmarkPorts,
): Promise<LoadedBenchmarks> {
  const [benchmarks, checked, notChecked]: [Benchmark[], CheckedBenchmark[], UncheckedBenchmark[]] = [[], [], []];
  for (const { task, data, sha256 } of against) {
    signal.throwIfAborted();
    if (isTaskFile(task) && data === undefined) {
      notChecked.push({ task: nameOf(task), reason: "a task file's data must be named here too" }); // else no change of it is seen
      continue;
    }
    const given = { ...(data === undefined ? {} : { data }), ...(sha256 === undefined ? {} : { sha256 }) };
    try {
      const loaded = await loadTask({
        name: task,
        ...given,
        seed: 0,
        workingFolder: recipeFolder,
        signal,
        ...(hub ? { hub } : {}),
      });
      const questions = loaded.questions.map(({ id, prompt }) => ({ id, text: prompt }));
      benchmarks.push({ name: loaded.name, questions });
      checked.push({
        task: loaded.name,
        questions: questions.length,
        source: loaded.source,
        sha256: /^[0-9a-f]{64}$/.test(loaded.sha256) ? loaded.sha256 : null,
      });
    } catch (error) {
      // What a token or accepted terms would open is no benchmark that cannot be had: what was collected without it would stay.
      if (!(error instanceof AppError) || error.isRetryable || error.code === "file-denied" || signal.aborted)
        throw error;
      notChecked.push({ task: nameOf(task), reason: reasonOf(error, recipeFolder, [task, data ?? ""]) });
    }
  }
  return { benchmarks, checked, notChecked };
}

/** A task's name; of a task file the file's. */
const nameOf = (task: string): string => (isTaskFile(task) ? basename(task) : task);

/** The message's first line, without where things lie on this machine. */
function reasonOf({ message }: AppError, recipeFolder: string, paths: readonly string[]): string {
  const [reason = ""] = message.split("\n");
  return paths
    .filter((path) => path !== "")
    .reduce((text, path) => text.replaceAll(resolve(recipeFolder, path), basename(path)), reason)
    .replaceAll(recipeFolder, ".");
}

/** Paths of the benchmarks' files on this machine, as the recipe writes them. */
export function benchmarkFiles({ curate }: Pick<Recipe, "curate">): string[] {
  return (curate?.decontaminate?.against ?? []).flatMap(({ task, data }) => [
    ...(isTaskFile(task) ? [task] : []),
    ...(data === undefined || isHubReference(data) ? [] : [data]),
  ]);
}

/** What of `curate` the collected questions depend on: the data's bytes count, not where they lie. */
export function curateWithoutPlaces(curate: NonNullable<Recipe["curate"]>): NonNullable<Recipe["curate"]> {
  const { decontaminate } = curate;
  if (decontaminate === undefined) return curate;
  const against = decontaminate.against.map(({ task, data, ...pin }) => ({
    ...pin,
    task: nameOf(task),
    ...(data === undefined ? {} : { data: isHubReference(data) ? data : basename(data.replaceAll("\\", "/")) }),
  }));
  return { ...curate, decontaminate: { ...decontaminate, against } };
}
