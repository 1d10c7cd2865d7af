/** @file Which model an export means: a run's student, a folder, or an adapter with the base that it belongs to. */
import { basename, resolve } from "node:path";
import { joinPath } from "../../adapters/file-system.ts";
import { mergedWeights } from "../../adapters/weights/merged-weights.ts";
import { openWeightFiles, openWeights, type WeightSource } from "../../adapters/weights/weight-source.ts";
import { parseJson } from "../../adapters/teacher/json-fields.ts";
import { AppError } from "../../core/errors.ts";
import { type LoraConfig, readLoraConfig } from "../../student/export/lora.ts";
import { findModel, type ModelPlaces } from "../evaluation/find-model.ts";
import { readRecipe } from "../run-folder.ts";

/** A model and where its parts lie. */
export interface ExportedModel {
  readonly name: string;
  /** Folder of config.json and of the weights; of the base, where there is an adapter. */
  readonly folder: string;
  /** Folder of the tokenizer's files. */
  readonly tokenizerFolder: string;
  readonly adapter: { readonly folder: string; readonly config: LoraConfig } | null;
  readonly runFolder: string | null;
}

const ADAPTER_CONFIG = "adapter_config.json";
const ADAPTER_WEIGHTS = "adapter_model.safetensors";
const MAX_CONFIG_BYTES = 1 << 20;

/**
 * Finds a model by a run, a folder in Hugging Face's layout, or a folder that holds an adapter of peft's.
 *
 * @param base where an adapter's base is; undefined: as the adapter or the run's recipe says
 * @throws AppError "model-missing", "file-missing", "checkpoint-corrupt"; "usage" where an adapter's base is not found.
 */
export async function findExported(
  target: string,
  base: string | undefined,
  places: ModelPlaces,
): Promise<ExportedModel> {
  const { fs, workingFolder } = places;
  const here = resolve(workingFolder, target);
  const has = async (folder: string, name: string): Promise<boolean> =>
    (await fs.kind(joinPath(folder, name))) === "file";
  const isAdapter = async (folder: string): Promise<boolean> =>
    (await has(folder, ADAPTER_CONFIG)) && (await has(folder, ADAPTER_WEIGHTS));
  const found = (await isAdapter(here)) ? { name: basename(here), folder: here } : await findModel(target, places);
  const runFolder = ("runFolder" in found && found.runFolder) || null;
  if (!(await isAdapter(found.folder))) {
    if (base !== undefined) throw new AppError("usage", `${target}: no adapter, so it has no base to merge into`);
    return { ...found, tokenizerFolder: found.folder, adapter: null, runFolder };
  }
  const text = await fs.readText(joinPath(found.folder, ADAPTER_CONFIG), MAX_CONFIG_BYTES);
  const config = readLoraConfig(parseJson(text));
  const folder = await findBase({ base, config, runFolder, adapterFolder: found.folder }, places);
  const tokenizerFolder = (await has(found.folder, "tokenizer.json")) ? found.folder : folder;
  return { name: found.name, folder, tokenizerFolder, adapter: { folder: found.folder, config }, runFolder };
}

interface BaseSearch {
  readonly base: string | undefined;
  readonly config: LoraConfig;
  readonly runFolder: string | null;
  readonly adapterFolder: string;
}

async function findBase({ base, config, runFolder, adapterFolder }: BaseSearch, places: ModelPlaces): Promise<string> {
  if (base !== undefined) return (await findModel(base, places)).folder;
  const recipe = runFolder === null ? undefined : await readRecipe(places.fs, runFolder);
  const named: readonly (readonly [string | null | undefined, string])[] = [
    [recipe?.student.base, runFolder ?? adapterFolder],
    [config.base, places.workingFolder],
  ];
  for (const [name, seenFrom] of named) {
    if (!name) continue;
    const found = await findModel(name, { ...places, workingFolder: seenFrom }).catch(() => null); // said below
    if (found !== null && found.folder !== adapterFolder) return found.folder;
  }
  throw new AppError(
    "usage",
    `${adapterFolder}: an adapter, and its base ${config.base?.slice(0, 200) ?? ""} is not found here`,
    {
      hint: "give the base's folder with --base FOLDER",
      data: { adapterFolder, base: config.base },
    },
  );
}

/** Opens its weights, the adapter merged. Throws as opening and merging do. */
export async function openExported({ folder, adapter }: ExportedModel): Promise<WeightSource> {
  const base = await openWeights(folder);
  if (adapter === null) return base;
  try {
    return mergedWeights(base, await openWeightFiles(adapter.folder, [ADAPTER_WEIGHTS]), adapter.config);
  } catch (error) {
    await base.close();
    throw error;
  }
}
