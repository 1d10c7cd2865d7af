/** @file What a model's card says, gathered from its run and from its base's folder. */
import { basename } from "node:path";
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";
import type { CardRun, ModelCard } from "../../report/model-card.ts";
import { findModel, type ModelPlaces } from "../evaluation/find-model.ts";
import { readResults } from "../render-report.ts";
import { readHeader, readRecipe } from "../run-folder.ts";
import type { ExportedModel } from "./find-exported.ts";
import type { ModelFiles } from "./model-files.ts";
import { readCollected, termsOfTeachers } from "./run-provenance.ts";

const MAX_CARD_BYTES = 4 << 20;
const HUB_ID = /^(?:hf:)?([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})(?:@.+)?$/;

/** The run behind a model; null where there is none. Throws AppError where its stages cannot be read. */
export async function cardRun(fs: FileSystem, runFolder: string | null): Promise<CardRun | null> {
  if (runFolder === null) return null;
  const [header, recipe] = [await readHeader(fs, runFolder), await readRecipe(fs, runFolder)];
  if (header === undefined || recipe === undefined) throw new AppError("file-missing", `${runFolder}: no run`);
  const { readings, decontamination } = await readCollected(fs, runFolder);
  return {
    run: header.run,
    recipe,
    results: await readResults(fs, runFolder).catch(orNull),
    sources: readings,
    decontamination,
    terms: await termsOfTeachers(fs, runFolder, recipe),
  };
}

/** A run that is not finished has no results yet; anything else is an error. */
function orNull(error: unknown): null {
  if (error instanceof AppError && error.code === "file-missing") return null;
  throw error;
}

/** The base as far as it is known: by the recipe, by the adapter, or by what the config says of itself. */
export async function cardBase(
  { model, files, run }: { readonly model: ExportedModel; readonly files: ModelFiles; readonly run: CardRun | null },
  places: ModelPlaces,
): Promise<ModelCard["base"]> {
  const origin = files.config["_name_or_path"];
  const named = run?.recipe.student.base ?? model.adapter?.config.base ?? (typeof origin === "string" ? origin : null);
  const seenFrom = { ...places, workingFolder: model.runFolder ?? places.workingFolder };
  const folder =
    model.adapter !== null
      ? model.folder
      : run === null || named === null
        ? null
        : ((await findModel(named, seenFrom).catch(() => null))?.folder ?? null); // it may lie elsewhere by now
  const hubId = (folder === null || model.adapter !== null ? HUB_ID.exec(named ?? "")?.[1] : undefined) ?? null;
  const card = folder === null ? undefined : await readCard(places.fs, folder);
  return {
    name: hubId ?? (named === null || named === "" ? "not known" : basename(named)),
    hubId,
    licence: card === undefined ? null : licenceIn(card),
  };
}

async function readCard(fs: FileSystem, folder: string): Promise<string | undefined> {
  const path = joinPath(folder, "README.md");
  return (await fs.kind(path)) === "file" ? await fs.readText(path, MAX_CARD_BYTES) : undefined;
}

/** The licence in a card's header, by the hub's short names. */
export function licenceIn(card: string): string | null {
  const header = /^---\r?\n([^]*?)\r?\n---/.exec(card)?.[1] ?? "";
  return /^license:\s*["']?([A-Za-z0-9][\w.-]{0,60})["']?\s*$/m.exec(header)?.[1] ?? null;
}
