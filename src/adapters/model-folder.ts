/** @file A student's folder in Hugging Face's layout, in and out. */
import { join } from "node:path";
import { z } from "zod";
import { AppError, type ErrorCode } from "../core/errors.ts";
import { canonicalJson, sha256Hex } from "../core/hash.ts";
import { formatStudentConfig, parseStudentConfig, type StudentConfig } from "../student/checkpoint/student-config.ts";
import { checkStudentTensors } from "../student/checkpoint/student-tensors.ts";
import { encodeSafetensors, type StoredTensors } from "../student/checkpoint/safetensors.ts";
import { type ChatTemplate, loadChatTemplate } from "../tokenize/chat.ts";
import { buildTokenizer, type Tokenizer } from "../tokenize/build-tokenizer.ts";
import { readTokenizerParts } from "../tokenize/tokenizer-files.ts";
import type { ThinkingStyle } from "../tokenize/thinking-style.ts";
import type { TokenizerParts } from "../tokenize/tokenizer-parts.ts";
import { nodeFileSystem } from "./file-system.ts";
import { readWeights } from "./weight-files.ts";

/** The tokenizer's part of a folder. */
export interface TokenizerFolder {
  readonly tokenizer: Tokenizer;
  /** What `tokenizer` was built from: plain data, for a page that builds it again. */
  readonly tokenizerParts: TokenizerParts;
  readonly chatTemplate: ChatTemplate;
  /** What `chatTemplate` was compiled from, Jinja. */
  readonly templateSource: string;
  /** SHA-256 of the tokenizer's files and the template: what an encoding depends on. */
  readonly tokenizerHash: string;
  /** How it thinks: as `thinking.json` says; without that file `think` if it has tokens for that, else `s1`. */
  readonly style: ThinkingStyle;
}

/** A whole student, read and checked. */
export interface ModelFolder extends TokenizerFolder {
  readonly config: StudentConfig;
  /** As they stand in the file: f32, or bf16. */
  readonly tensors: StoredTensors;
  /** SHA-256 of `model.safetensors`; of all shards' where there are several. */
  readonly weightHash: string;
}

/** What to write into a student's folder. */
export interface ModelFolderContent {
  readonly config: StudentConfig;
  readonly tensors: StoredTensors;
  /** Folder whose tokenizer files and chat template are copied; may be the folder itself. */
  readonly tokenizerFrom: string;
  /** The model card, Markdown. */
  readonly readme: string;
  readonly weightMetadata?: Readonly<Record<string, string>>;
  /** How the student thinks, where its tokenizer does not tell; that of `tokenizerFrom` unless given. */
  readonly style?: ThinkingStyle;
}

/** Largest JSON file read; Qwen2.5's tokenizer.json has 7 MB. */
const MAX_JSON_BYTES = 64 << 20;
/** Written only where a student thinks otherwise than its tokenizer suggests. */
const STYLE_FILE = "thinking.json";
const ThinkingFile = z.strictObject({ style: z.enum(["s1", "think"]) });
const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json"] as const;
const OPTIONAL_TOKENIZER_FILES = [
  "chat_template.jinja",
  "special_tokens_map.json",
  "vocab.json",
  "merges.txt",
] as const;

/**
 * Reads and checks tokenizer and chat template; the folder needs no weights.
 *
 * @throws {AppError} model-missing, tokenizer-corrupt
 */
export async function readTokenizerFolder(folder: string): Promise<TokenizerFolder> {
  await requireFolder(folder);
  const json = await readPart(folder, "tokenizer.json", "tokenizer-corrupt");
  const configJson = await readPart(folder, "tokenizer_config.json", "tokenizer-corrupt");
  const parse = (name: string, text: string): unknown => parseJson(folder, name, text, "tokenizer-corrupt");
  const files = { tokenizer: parse("tokenizer.json", json), config: parse("tokenizer_config.json", configJson) };
  const tokenizerParts = inFolder(folder, () => readTokenizerParts(files));
  const tokenizer = inFolder(folder, () => buildTokenizer(tokenizerParts));
  const template = (await readOptional(folder, "chat_template.jinja")) ?? templateIn(files.config);
  if (template === undefined)
    throw new AppError(
      "tokenizer-corrupt",
      `${folder}: no chat template, neither chat_template.jinja nor chat_template in tokenizer_config.json`,
      { hint: "copy chat_template.jinja from where the model came from", data: { folder, part: "chat template" } },
    );
  const chatTemplate = inFolder(folder, () => loadChatTemplate(template, tokenizer));
  const tokenizerHash = sha256Hex(canonicalJson([json, configJson, template]));
  const style = (await readStyle(folder)) ?? usualStyle(tokenizer);
  return { tokenizer, tokenizerParts, chatTemplate, templateSource: template, tokenizerHash, style };
}

/**
 * Reads a student and checks every part against the others.
 *
 * @throws {AppError} model-missing when there is no such folder or it holds no model; checkpoint-corrupt or
 *   tokenizer-corrupt when a part is damaged, is of another architecture, or does not fit the rest.
 */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  await requireFolder(folder);
  const configText = await readPart(folder, "config.json", "model-missing");
  const config = inFolder(folder, () =>
    parseStudentConfig(parseJson(folder, "config.json", configText, "checkpoint-corrupt")),
  );
  const parts = await readTokenizerFolder(folder);
  if (parts.tokenizer.vocabularySize > config.vocabularySize) {
    throw new AppError(
      "checkpoint-corrupt",
      `${folder}: the tokenizer has ${parts.tokenizer.vocabularySize} ids, config.json's vocab_size is only ${config.vocabularySize}`,
      { hint: "tokenizer files and config.json must come from one model", data: { folder } },
    );
  }
  const { tensors, weightHash } = await readWeights(folder);
  inFolder(folder, () => checkStudentTensors(config, tensors));
  return { ...parts, config, tensors, weightHash };
}

/**
 * Writes a student that {@link readModelFolder} and transformers open. Each file is written whole under another name and
 * renamed; `config.json` goes last, so a folder that has one is complete.
 *
 * @returns SHA-256 of `model.safetensors`.
 * @throws {AppError} disk-full, model-missing (no tokenizer to copy), checkpoint-corrupt (tensors do not fit the config)
 */
export async function writeModelFolder(
  folder: string,
  content: ModelFolderContent,
): Promise<{ readonly weightHash: string }> {
  const { config, tensors, tokenizerFrom } = content;
  checkStudentTensors(config, tensors);
  const source = await readTokenizerFolder(tokenizerFrom);
  const { tokenizer } = source;
  const files = nodeFileSystem();
  const write = (name: string, data: string | Uint8Array): Promise<void> => files.writeAtomic(join(folder, name), data);
  await files.remove(join(folder, "config.json"));
  await copyTokenizer(tokenizerFrom, folder);
  await files.remove(join(folder, STYLE_FILE));
  const style = content.style ?? source.style;
  if (style !== usualStyle(tokenizer)) await write(STYLE_FILE, formatJson({ style }));
  const { imEnd, endOfText, pad } = tokenizer.controlIds;
  await write(GENERATION_FILE, formatJson({ do_sample: false, eos_token_id: [imEnd, endOfText], pad_token_id: pad }));
  const bytes = encodeSafetensors(tensors, { format: "pt", ...content.weightMetadata });
  await write("model.safetensors", bytes);
  await write("README.md", content.readme);
  await write(
    "config.json",
    formatJson(formatStudentConfig(config, { ...tokenizer.controlIds, isBf16: areBf16(tensors) })),
  );
  return { weightHash: sha256Hex(bytes) };
}

/**
 * Gives a student that was trained elsewhere its own tokenizer, as its examples were made with, and what else a folder needs:
 * style, end tokens, card. What its trainer saved in their place goes: it may spell the tokenizer differently.
 *
 * @throws {AppError} disk-full, model-missing or tokenizer-corrupt (of `tokenizerFrom`)
 */
export async function dressModelFolder(
  folder: string,
  {
    tokenizerFrom,
    style,
    readme,
  }: Pick<ModelFolderContent, "tokenizerFrom" | "readme"> & { readonly style: ThinkingStyle },
): Promise<void> {
  const files = nodeFileSystem();
  const { tokenizer } = await readTokenizerFolder(tokenizerFrom);
  for (const name of [...OPTIONAL_TOKENIZER_FILES, ADDED_TOKENS_FILE, STYLE_FILE])
    await files.remove(join(folder, name));
  await copyTokenizer(tokenizerFrom, folder);
  if (style !== usualStyle(tokenizer)) await files.writeAtomic(join(folder, STYLE_FILE), formatJson({ style }));
  const { imEnd, endOfText, pad } = tokenizer.controlIds;
  const given = await readOptional(folder, GENERATION_FILE);
  const generation = given === undefined ? {} : parseJson(folder, GENERATION_FILE, given, "checkpoint-corrupt");
  const ends = { eos_token_id: [imEnd, endOfText], pad_token_id: pad };
  await files.writeAtomic(join(folder, GENERATION_FILE), formatJson({ ...(generation as object | null), ...ends }));
  await files.writeAtomic(join(folder, "README.md"), readme);
}

const GENERATION_FILE = "generation_config.json";
const ADDED_TOKENS_FILE = "added_tokens.json";

function areBf16(tensors: StoredTensors): boolean {
  return [...tensors.values()].every(({ data }) => data instanceof Uint16Array);
}

async function copyTokenizer(from: string, to: string): Promise<void> {
  const files = nodeFileSystem();
  if (from === to) return;
  for (const name of TOKENIZER_FILES)
    await files.writeAtomic(join(to, name), await files.readText(join(from, name), MAX_JSON_BYTES));
  for (const name of OPTIONAL_TOKENIZER_FILES) {
    const text = await readOptional(from, name);
    if (text !== undefined) await files.writeAtomic(join(to, name), text);
  }
}

async function requireFolder(folder: string): Promise<void> {
  if ((await nodeFileSystem().kind(folder)) === "folder") return;
  throw new AppError("model-missing", `${folder}: there is no such model folder`, {
    hint: 'check student.base in the recipe; "demo-base" is the one that comes with grappa',
    data: { folder },
  });
}

async function readPart(folder: string, name: string, codeWhenMissing: ErrorCode): Promise<string> {
  const text = await readOptional(folder, name);
  if (text !== undefined) return text;
  throw new AppError(codeWhenMissing, `${join(folder, name)} is missing`, {
    hint: "the folder must hold a whole model in Hugging Face's layout",
    data: { folder, part: name },
  });
}

/** A file's text; undefined when there is none. */
async function readOptional(folder: string, name: string): Promise<string | undefined> {
  try {
    return await nodeFileSystem().readText(join(folder, name), MAX_JSON_BYTES);
  } catch (error) {
    if (error instanceof AppError && error.code === "file-missing") return undefined;
    throw error;
  }
}

/** The style that a folder's tokenizer suggests: Qwen3's has tokens for `<think>` and `</think>`. */
export function usualStyle({ addedTokens }: Tokenizer): ThinkingStyle {
  return addedTokens.has("<think>") && addedTokens.has("</think>") ? "think" : "s1";
}

async function readStyle(folder: string): Promise<ThinkingStyle | undefined> {
  const text = await readOptional(folder, STYLE_FILE);
  if (text === undefined) return undefined;
  const read = ThinkingFile.safeParse(parseJson(folder, STYLE_FILE, text, "tokenizer-corrupt"));
  if (read.success) return read.data.style;
  throw new AppError(
    "tokenizer-corrupt",
    `${join(folder, STYLE_FILE)}: expected {"style": "s1"} or {"style": "think"}`,
    {
      hint: "write it again, or remove it",
      data: { folder, part: STYLE_FILE },
    },
  );
}

function templateIn(config: unknown): string | undefined {
  const template = (config as { chat_template?: unknown } | null)?.chat_template;
  return typeof template === "string" ? template : undefined;
}

function parseJson(folder: string, name: string, text: string, code: ErrorCode): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError(code, `${join(folder, name)} is not JSON`, {
      hint: "copy the file again from where the model came from",
      data: { folder, part: name },
      cause: error,
    });
  }
}

/** Puts the folder in front of what the pure readers say, so that the message names the place. */
function inFolder<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new AppError(error.code, `${folder}: ${error.message}`, {
      ...hint,
      data: { ...error.data, folder },
      cause: error,
    });
  }
}

function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
