/** @file Which student `--model` means. */
import { basename, resolve } from "node:path";
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";
import { findStudent } from "../find-student.ts";
import { didYouMean } from "../near-names.ts";
import { readHeader } from "../run-folder.ts";

/** A student's folder or a GGUF file, what it is called, and the run that trained it. */
export interface FoundModel {
  readonly name: string;
  /** In Hugging Face's layout; a GGUF's path where {@link isGguf} says so. */
  readonly folder: string;
  readonly runFolder?: string;
}

/** Where to look. */
export interface ModelPlaces {
  readonly fs: FileSystem;
  readonly workingFolder: string;
  readonly packageFolder: string;
}

/** Whether a path names a GGUF, and no folder. */
export function isGguf(path: string): boolean {
  return /\.gguf$/i.test(path);
}

/**
 * A GGUF file, the student of a run (its folder, or its name in `runs/`), a folder that holds a model, or a model that comes with
 * Grappa, in this order.
 *
 * @throws AppError "model-missing" saying what there is; "file-missing" when the run has not trained its student yet.
 */
export async function findModel(model: string, places: ModelPlaces): Promise<FoundModel> {
  const { fs, workingFolder, packageFolder } = places;
  const here = resolve(workingFolder, model);
  const runs = resolve(workingFolder, "runs");
  if (isGguf(model)) return await findGguf(here, fs);
  for (const runFolder of [here, resolve(runs, model)])
    if (await readHeader(fs, runFolder))
      return { name: basename(runFolder), folder: await findStudent(fs, runFolder), runFolder };
  if ((await fs.kind(joinPath(here, "config.json"))) === "file") return { name: basename(here), folder: here };
  const models = joinPath(packageFolder, "models");
  const isName = /^[\w.-]+$/.test(model);
  const builtin = joinPath(models, model);
  if (isName && (await fs.kind(joinPath(builtin, "config.json"))) === "file") return { name: model, folder: builtin };
  const names = [...(await fs.names(runs)), ...(await fs.names(models))];
  throw new AppError("model-missing", `no run and no model at ${model}${didYouMean(model, names)}`, {
    hint: `give a run, a folder that holds config.json and model.safetensors, or one of: ${names.join(", ")}; for a server, --endpoint URL --model NAME`,
    data: { model, names },
  });
}

async function findGguf(path: string, fs: FileSystem): Promise<FoundModel> {
  if ((await fs.kind(path)) === "file") return { name: basename(path).slice(0, -".gguf".length), folder: path };
  throw new AppError("model-missing", `no file at ${path}`, {
    hint: "give a GGUF's path; grappa export MODEL --to gguf makes one",
    data: { path },
  });
}
