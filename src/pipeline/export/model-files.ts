/** @file Everything of a model's folder but its weights, read and checked. */
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { readTokenizerFolder, type TokenizerFolder } from "../../adapters/model-folder.ts";
import { parseJson } from "../../adapters/teacher/json-fields.ts";
import { AppError } from "../../core/errors.ts";
import { type FamilyConfig, readFamilyConfig } from "../../student/export/family-config.ts";
import type { TokenizerFiles } from "../../student/export/gguf-tokenizer.ts";
import type { ExportedModel } from "./find-exported.ts";
import { type Generation, generationConfig } from "./generation-config.ts";

/** The parts. */
export interface ModelFiles extends Pick<TokenizerFolder, "tokenizer" | "chatTemplate" | "style" | "tokenizerHash"> {
  /** config.json as it stands. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly family: FamilyConfig;
  readonly generation: Generation;
  readonly tokenizerFiles: TokenizerFiles;
  /** The tokenizer's files and what belongs to them, by name. */
  readonly texts: ReadonlyMap<string, string>;
  /** The folder's own card. */
  readonly card: string | undefined;
}

const MAX_TEXT_BYTES = 64 << 20;
const TEXTS = [
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "thinking.json",
];

/** Reads them. Throws AppError "model-missing", "checkpoint-corrupt", "tokenizer-corrupt". */
export async function readModelFiles(
  fs: FileSystem,
  { folder, tokenizerFolder, adapter }: ExportedModel,
): Promise<ModelFiles> {
  const textIn = async (place: string, name: string): Promise<string | undefined> =>
    (await fs.kind(joinPath(place, name))) === "file"
      ? await fs.readText(joinPath(place, name), MAX_TEXT_BYTES)
      : undefined;
  const config = parseJson((await textIn(folder, "config.json")) ?? "");
  if (config === null || typeof config !== "object" || Array.isArray(config))
    throw new AppError("model-missing", `${folder}: no config.json, or none that is JSON`, {
      hint: "the folder must hold a whole model in Hugging Face's layout",
    });
  const parts = await readTokenizerFolder(tokenizerFolder);
  const texts = new Map<string, string>();
  for (const name of TEXTS) {
    const text = await textIn(tokenizerFolder, name);
    if (text !== undefined) texts.set(name, text);
  }
  const { imEnd, endOfText, pad } = parts.tokenizer.controlIds;
  return {
    ...parts,
    config: config as Record<string, unknown>,
    family: readFamilyConfig(config),
    generation: generationConfig(parseJson((await textIn(folder, "generation_config.json")) ?? ""), {
      ends: [...new Set([imEnd, endOfText])],
      pad,
    }),
    tokenizerFiles: {
      tokenizer: parseJson(texts.get("tokenizer.json") ?? ""),
      config: parseJson(texts.get("tokenizer_config.json") ?? ""),
      chatTemplate: parts.templateSource,
    },
    texts,
    card: await textIn(adapter?.folder ?? folder, "README.md"),
  };
}
