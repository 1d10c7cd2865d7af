/** @file What `rescore` and `compare` are given: an evaluation's folder or name, or a run's. */
import { resolve } from "node:path";
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";
import type { EvaluationHeader } from "../../schema/evaluation.ts";
import { didYouMean } from "../near-names.ts";
import { readHeader } from "../run-folder.ts";
import { readEvaluationHeader } from "./evaluation-folder.ts";

/** Where evaluations and runs are looked for. */
export interface EvaluationPlaces {
  readonly fs: FileSystem;
  readonly workingFolder: string;
}

/** An evaluation that was found. */
export interface FoundEvaluation {
  readonly folder: string;
  readonly header: EvaluationHeader;
}

/**
 * An evaluation by its path, or its name in `evaluations/`.
 *
 * @throws AppError "file-missing" listing those there are; "schema-version".
 */
export async function findEvaluation(name: string, places: EvaluationPlaces): Promise<FoundEvaluation> {
  const found = await lookForEvaluation(name, places);
  if (found) return found;
  const names = await namesIn(places, "evaluations", "evaluation.json");
  throw missing(`no evaluation at ${name}`, name, names);
}

/** An evaluation, or a run's folder; evaluations first. */
export async function findComparable(
  name: string,
  places: EvaluationPlaces,
): Promise<FoundEvaluation | { readonly runFolder: string }> {
  const found = await lookForEvaluation(name, places);
  if (found) return found;
  const { fs, workingFolder } = places;
  for (const runFolder of [resolve(workingFolder, name), resolve(workingFolder, "runs", name)])
    if (await readHeader(fs, runFolder)) return { runFolder };
  const evaluations = await namesIn(places, "evaluations", "evaluation.json");
  const runs = await namesIn(places, "runs", "run.json");
  throw missing(`no evaluation and no run at ${name}`, name, [...evaluations, ...runs]);
}

async function lookForEvaluation(name: string, places: EvaluationPlaces): Promise<FoundEvaluation | undefined> {
  const { fs, workingFolder } = places;
  for (const folder of [resolve(workingFolder, name), resolve(workingFolder, "evaluations", name)]) {
    const header = await readEvaluationHeader(fs, folder);
    if (header) return { folder, header };
  }
  return undefined;
}

async function namesIn({ fs, workingFolder }: EvaluationPlaces, place: string, file: string): Promise<string[]> {
  const folder = resolve(workingFolder, place);
  const names: string[] = [];
  for (const name of await fs.names(folder))
    if ((await fs.kind(joinPath(folder, `${name}/${file}`))) === "file") names.push(name);
  return names;
}

/** More names than these help nobody. */
const MAX_NAMES = 20;

function missing(what: string, wanted: string, names: readonly string[]): AppError {
  return new AppError("file-missing", `${what}${didYouMean(wanted, names)}`, {
    hint:
      names.length === 0
        ? "`grappa evaluate` makes one"
        : `there are: ${names.slice(0, MAX_NAMES).join(", ")}${names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : ""}`,
    data: { wanted, names },
  });
}
