/** @file The two ways in which a model leaves: Hugging Face's layout, and GGUF with a Modelfile. Each returns its files. */
import { createHash } from "node:crypto";
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { shapesOf } from "../../adapters/weights/merged-weights.ts";
import type { WeightSource } from "../../adapters/weights/weight-source.ts";
import { writeGguf } from "../../adapters/weights/write-gguf.ts";
import { SHARD_BYTES, writeShards, type WrittenFile } from "../../adapters/weights/write-shards.ts";
import type { FamilyConfig } from "../../student/export/family-config.ts";
import type { GgufMetadata, GgufValue } from "../../student/export/gguf-file.ts";
import { modelMetadata, planTensors } from "../../student/export/gguf-model.ts";
import { tokenizerMetadata } from "../../student/export/gguf-tokenizer.ts";
import { modelfile } from "../../student/export/modelfile.ts";
import { STORED_AS, type WeightType } from "../../student/export/weight-types.ts";
import type { Tokenizer } from "../../tokenize/tokenizer.ts";
import type { ModelFiles } from "./model-files.ts";

/** Where to write, from what, and who is told. */
export interface PartRequest {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly source: WeightSource;
  readonly files: ModelFiles;
  /** Null: as the weights are. */
  readonly type: WeightType | null;
  readonly shardBytes?: number;
  readonly signal: AbortSignal;
  /** Told of bytes of weights written so far and in all. */
  readonly progress: (done: number, total: number) => void;
}

/** The head that is the embedding again; both layouts leave it out. */
const TIED_HEAD = "lm_head.weight";

/** The weights for Hugging Face's layout. Throws AppError as reading and writing do. */
export async function writeHfWeights({ type, ...request }: PartRequest & { type: Exclude<WeightType, "q8_0"> | null }) {
  const leftOut = new Set(request.files.family.isTied ? [TIED_HEAD] : []);
  return await writeShards(request.folder, {
    ...request,
    shardBytes: request.shardBytes ?? SHARD_BYTES,
    type,
    leftOut,
  });
}

const HF_TEXTS = [
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "thinking.json",
] as const;

/** Everything but the weights and the card: configuration, generation, tokenizer, template. */
export async function writeHfTexts({ fs, folder, files, type }: Omit<PartRequest, "source">): Promise<WrittenFile[]> {
  const dtype = type === null ? {} : { dtype: DTYPES[type], torch_dtype: DTYPES[type] };
  const written = [
    await writeText(fs, folder, ["config.json", json({ ...files.config, ...dtype })]),
    await writeText(fs, folder, ["generation_config.json", json(files.generation.json)]),
  ];
  for (const name of HF_TEXTS) {
    const text = files.texts.get(name);
    if (text !== undefined) written.push(await writeText(fs, folder, [name, text]));
  }
  return written;
}

const DTYPES: Readonly<Record<WeightType, string>> = {
  f32: "float32",
  f16: "float16",
  bf16: "bfloat16",
  q8_0: "float16",
};

/** The type of the matrices as they are; the embedding's stands for all. */
export function storedType({ tensors }: WeightSource): Exclude<WeightType, "q8_0"> {
  return STORED_AS[tensors.get("model.embed_tokens.weight")?.dtype ?? "F32"];
}

/** What GGUF says of a model beside its sizes. */
export interface GgufNames {
  readonly name: string;
  readonly licence: string | null;
  readonly baseName: string;
  readonly baseHubId: string | null;
}

/** The GGUF file of a model. Throws AppError as reading, writing and its tokenizer do. */
export async function writeGgufWeights(request: PartRequest, file: string, names: GgufNames): Promise<WrittenFile> {
  const { folder, source, files, signal, progress } = request;
  const type = request.type ?? storedType(source);
  const { metadata, tensors } = ggufContent(files, { shapes: shapesOf(source), type, names });
  const written = await writeGguf(joinPath(folder, file), { metadata, tensors, source, signal, progress });
  return { path: file, ...written };
}

function ggufContent(
  files: ModelFiles,
  { shapes, type, names }: { shapes: ReadonlyMap<string, readonly number[]>; type: WeightType; names: GgufNames },
) {
  const text = (value: string): GgufValue => ({ type: "text", value });
  const family: FamilyConfig = files.family;
  const metadata: GgufMetadata = new Map<string, GgufValue>([
    ["general.architecture", text(family.family)],
    ["general.type", text("model")],
    ["general.name", text(names.name)],
    ...(names.licence === null ? [] : [["general.license", text(names.licence)] as const]),
    ["general.base_model.count", { type: "u32", value: 1 }],
    ["general.base_model.0.name", text(names.baseName)],
    ...(names.baseHubId === null
      ? []
      : [["general.base_model.0.repo_url", text(`https://huggingface.co/${names.baseHubId}`)] as const]),
    ["general.tags", { type: "texts", value: ["grappa", "reasoning", "text-generation"] }],
    ...modelMetadata(family, type),
    ...tokenizerMetadata(files.tokenizerFiles, family),
    // What GGUF has no field for and a runtime of ours needs.
    ["grappa.thinking_style", text(files.style)],
    ["grappa.nfc", { type: "bool", value: composes(files.tokenizer) }],
  ]);
  return { metadata, tensors: planTensors(family, shapes, type) };
}

/** Whether a tokenizer composes text (NFC), which llama.cpp never does. */
export function composes(tokenizer: Pick<Tokenizer, "normalise">): boolean {
  return tokenizer.normalise("e\u0301") !== "e\u0301";
}

/** The Modelfile beside a GGUF. */
export async function writeModelfile(
  { fs, folder, files }: Pick<PartRequest, "fs" | "folder" | "files">,
  gguf: string,
) {
  const spelled = new Map([...files.tokenizer.addedTokens].map(([token, id]) => [id, token]));
  const text = modelfile({
    gguf,
    contextTokens: files.family.maxPositions,
    stops: files.generation.eosIds.flatMap((id) => spelled.get(id) ?? []),
    sampling: files.generation.sampling,
    render: (messages) => files.chatTemplate.renderText(messages),
  });
  return await writeText(fs, folder, ["Modelfile", text]);
}

/** Writes a small file whole. */
export async function writeText(
  fs: FileSystem,
  folder: string,
  [path, text]: readonly [string, string],
): Promise<WrittenFile> {
  const bytes = new TextEncoder().encode(text);
  await fs.writeAtomic(joinPath(folder, path), bytes);
  return { path, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
