/**
 * @file `grappa export --to hf | gguf`: a model in a folder of its own, ready to be served or pushed. Its files:
 *
 *     export.json     written first, and again at the end: whose folder this is, and what was written
 *     hf:             weights, config.json, generation_config.json, tokenizer, chat template
 *     gguf:           NAME-TYPE.gguf, Modelfile
 *     README.md       the card
 *
 * Weights that an earlier try wrote from the same files are not written again.
 */
import { z } from "zod";
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { parseJson } from "../../adapters/teacher/json-fields.ts";
import type { WeightSource } from "../../adapters/weights/weight-source.ts";
import { AppError } from "../../core/errors.ts";
import { canonicalJson, sha256Hex } from "../../core/hash.ts";
import { type ModelCard, modelCard } from "../../report/model-card.ts";
import { SCHEMA_VERSION } from "../../schema/records.ts";
import type { WeightType } from "../../student/export/weight-types.ts";
import type { ModelPlaces } from "../evaluation/find-model.ts";
import { cardBase, cardRun } from "./card-facts.ts";
import { type ExportedModel, openExported } from "./find-exported.ts";
import { type ModelFiles, readModelFiles } from "./model-files.ts";
import {
  composes,
  type PartRequest,
  storedType,
  writeGgufWeights,
  writeHfTexts,
  writeHfWeights,
  writeModelfile,
  writeText,
} from "./model-parts.ts";

/** The layouts. */
export const MODEL_FORMATS = ["hf", "gguf"] as const;
export type ModelFormat = (typeof MODEL_FORMATS)[number];

/** What to export, and how. */
export interface ExportModelRequest {
  readonly model: ExportedModel;
  readonly formats: readonly ModelFormat[];
  /** Null: as the weights are. Of hf and gguf together, GGUF's; hf then stays as it is. */
  readonly type: WeightType | null;
  readonly folder: string;
  /** This grappa's version. */
  readonly grappa: string;
  /** `owner/name` that the card's example loads; null for the folder. */
  readonly repo: string | null;
  readonly shardBytes?: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

const ExportedFile = z.strictObject({
  path: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,250}$/),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
/** A file that was written. */
export type ExportedFile = z.infer<typeof ExportedFile>;

const KIND = "grappa-model";
const HEADER = "export.json";
const MAX_HEADER_BYTES = 8 << 20;
const Header = z.object({
  schemaVersion: z.literal(SCHEMA_VERSION),
  kind: z.literal(KIND),
  isComplete: z.boolean(),
  /** Weights by the hash of what they were made from. */
  weights: z.record(z.string(), z.array(ExportedFile)),
  files: z.array(ExportedFile),
});
type Header = z.infer<typeof Header>;

/** What came of it. */
export interface ExportModelOutcome {
  readonly name: string;
  readonly formats: readonly ModelFormat[];
  /** Type of the weights, of GGUF where there is one. */
  readonly type: WeightType;
  readonly isMerged: boolean;
  readonly files: readonly ExportedFile[];
  /** Those of the files that an earlier try wrote. */
  readonly kept: readonly string[];
  readonly card: ModelCard;
  readonly warnings: readonly string[];
}

/**
 * Exports a model into a folder; one that an export made before is written anew where it has to be.
 *
 * @throws AppError "usage" for q8_0 in Hugging Face's layout; "file-denied" where the folder holds something else; those of
 *   reading a model, converting its weights and writing.
 */
export async function exportModel(request: ExportModelRequest, places: ModelPlaces): Promise<ExportModelOutcome> {
  const { model, folder, formats, type } = request;
  const { fs } = places;
  if (type === "q8_0" && !formats.includes("gguf"))
    throw new AppError("usage", "q8_0 is a type of GGUF's; safetensors hold f32, f16 or bf16", {
      hint: "use --to gguf, or another --type",
    });
  const earlier = await readHeader(fs, folder);
  const files = await readModelFiles(fs, model);
  const source = await openExported(model);
  try {
    const card = await cardOf({ request, files, source }, places);
    const standing = { ...earlier?.weights };
    const writing: Writing = { ...request, fs, source, files, card, earlier, standing, weights: {}, kept: [] };
    await saveHeader(writing, { isComplete: false, files: earlier?.files ?? [] });
    // What a kill left half-written under its name for the time being.
    for (const name of await fs.names(folder)) if (name.endsWith(".part")) await fs.remove(joinPath(folder, name));
    const written = [...(formats.includes("hf") ? await writeHf(writing) : [])];
    if (formats.includes("gguf")) written.push(...(await writeGguf(writing)));
    const own = model.runFolder === null ? files.card : undefined;
    written.push(await writeText(fs, folder, ["README.md", own ?? modelCard(card)]));
    for (const { path } of earlier?.files ?? [])
      if (!written.some((file) => file.path === path)) await fs.remove(joinPath(folder, path));
    await saveHeader(writing, { isComplete: true, files: written });
    return {
      name: model.name,
      formats,
      type: type ?? storedType(source),
      isMerged: model.adapter !== null,
      files: written,
      kept: writing.kept,
      card,
      warnings: warningsOf(files, formats),
    };
  } finally {
    await source.close();
  }
}

interface Writing extends PartRequest, Pick<ExportModelRequest, "model" | "formats" | "grappa"> {
  readonly card: ModelCard;
  readonly earlier: Header | undefined;
  /** Weights of earlier tries that are still as they were written. */
  readonly standing: Record<string, readonly ExportedFile[]>;
  /** Filled in as they are written. */
  readonly weights: Record<string, ExportedFile[]>;
  readonly kept: string[];
}

async function writeHf(writing: Writing): Promise<ExportedFile[]> {
  const type = hfType(writing);
  const weights = await unlessThere(writing, { format: "hf", type }, () => writeHfWeights({ ...writing, type }));
  return [...weights, ...(await writeHfTexts({ ...writing, type }))];
}

/** Beside a GGUF the safetensors stay as they are. */
function hfType({ type, formats }: Pick<ExportModelRequest, "type" | "formats">): Exclude<WeightType, "q8_0"> | null {
  return type === "q8_0" || formats.includes("gguf") ? null : type;
}

async function writeGguf(writing: Writing): Promise<ExportedFile[]> {
  const { card, model } = writing;
  const file = ggufName(model.name, writing.type ?? storedType(writing.source));
  const names = {
    name: card.title,
    licence: card.base.licence,
    baseName: card.base.name,
    baseHubId: card.base.hubId,
  };
  const { config, tokenizerHash: tokenizer, style } = writing.files;
  const made = { format: "gguf" as const, file, names, config, tokenizer, style };
  const weights = await unlessThere(writing, made, async () => [await writeGgufWeights(writing, file, names)]);
  return [...weights, await writeModelfile(writing, file)];
}

/** `NAME-TYPE.gguf`, with what a file's name on the hub may hold. */
function ggufName(name: string, type: WeightType): string {
  return `${name.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "") || "model"}-${type}.gguf`;
}

/** Writes weights, unless an earlier try wrote them from the same files and they are still there in their size. */
async function unlessThere(
  writing: Writing,
  made: Made,
  write: () => Promise<ExportedFile[]>,
): Promise<readonly ExportedFile[]> {
  const { fs, folder, source, grappa, earlier, weights, kept } = writing;
  const key = sha256Hex(canonicalJson({ ...made, weights: source.stamp, grappa }));
  const there = earlier?.weights[key] ?? [];
  const sizes = new Map((await fs.list(folder)).map(({ path, bytes }) => [path, bytes]));
  const isThere = there.length > 0 && there.every(({ path, bytes }) => sizes.get(path) === bytes);
  if (!isThere) await forget(writing, made);
  const files = isThere ? there : await write();
  weights[key] = [...files];
  if (isThere) kept.push(...files.map(({ path }) => path));
  await saveHeader(writing, { isComplete: false, files: [...(earlier?.files ?? []), ...files] });
  return files;
}

/** What weights are made of, beside the source's. */
type Made = { readonly format: ModelFormat; readonly file?: string } & Readonly<Record<string, unknown>>;

/** What is about to be written over is no longer what an earlier try recorded, whoever is killed meanwhile. */
async function forget(writing: Writing, { format, file }: Made): Promise<void> {
  const { standing, earlier } = writing;
  const isOver = ({ path }: ExportedFile): boolean =>
    format === "gguf" ? path === file : /\.safetensors(\.index\.json)?$/.test(path);
  const over = Object.keys(standing).filter((key) => standing[key]?.some(isOver));
  if (over.length === 0) return;
  for (const key of over) delete standing[key];
  await saveHeader(writing, { isComplete: false, files: [...(earlier?.files ?? [])].filter((one) => !isOver(one)) });
}

async function cardOf(
  { request, files, source }: { request: ExportModelRequest; files: ModelFiles; source: WeightSource },
  places: ModelPlaces,
): Promise<ModelCard> {
  const { model, formats, type, repo, grappa } = request;
  const run = await cardRun(places.fs, model.runFolder);
  const stored = storedType(source);
  return {
    title: run === null ? model.name : `${run.recipe.name}: a student distilled with Grappa`,
    grappa,
    base: await cardBase({ model, files, run }, places),
    run,
    style: files.style,
    contextTokens: files.family.maxPositions,
    weights: formats.includes("hf") ? (hfType(request) ?? stored) : (type ?? stored),
    isMerged: model.adapter !== null,
    hasSafetensors: formats.includes("hf"),
    gguf: formats.includes("gguf") ? [ggufName(model.name, type ?? stored)] : [],
    repo,
  };
}

function warningsOf({ tokenizer }: ModelFiles, formats: readonly ModelFormat[]): string[] {
  if (!formats.includes("gguf") || !composes(tokenizer)) return [];
  return [
    "llama.cpp composes no characters (NFC), as this tokenizer does: give it composed text, or ids of accents differ",
  ];
}

async function readHeader(fs: FileSystem, folder: string): Promise<Header | undefined> {
  const names = await fs.names(folder);
  if (names.length === 0) return undefined;
  const text = names.includes(HEADER)
    ? await fs.readText(joinPath(folder, HEADER), MAX_HEADER_BYTES).catch(() => "")
    : "";
  const read = Header.safeParse(parseJson(text)); // too long, a folder, half of one: none that we wrote
  if (read.success) return read.data;
  throw new AppError("file-denied", `${folder}: no export of grappa's, and not empty (${names.length} entries)`, {
    hint: "choose another with --out FOLDER",
  });
}

async function saveHeader(
  { fs, folder, grappa, model, weights, standing }: Writing,
  { isComplete, files }: Pick<Header, "isComplete" | "files">,
): Promise<void> {
  const known = isComplete ? weights : { ...standing, ...weights };
  const unique = [...new Map(files.map((file) => [file.path, file])).values()];
  const header = {
    schemaVersion: SCHEMA_VERSION,
    kind: KIND,
    grappa,
    model: model.name,
    isComplete,
    weights: known,
    files: unique,
  };
  await fs.writeAtomic(joinPath(folder, HEADER), `${JSON.stringify(header, null, 2)}\n`);
}
