/**
 * @file A student's folder looked at without its weights in memory: a trained 32B student has 60 GB of them. Every safetensors
 * header is read and held against its file, the index and the configuration; the numbers themselves are not.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../core/errors.ts";
import { fileError } from "./file-error.ts";
import { nodeFileSystem } from "./file-system.ts";

/** What the headers tell. */
export interface ModelFiles {
  readonly parameters: number;
  readonly weightBytes: number;
  /** Rows of the token embedding; null where no tensor is called like one. */
  readonly embeddingRows: number | null;
  /** Most positions by config.json; null where it does not say. */
  readonly maxPositions: number | null;
}

const MAX_JSON_BYTES = 64 << 20;
/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_SHARDS = 2_000;
const ONE_FILE = "model.safetensors";
const INDEX_FILE = "model.safetensors.index.json";

const Config = z.looseObject({
  vocab_size: z.int().min(1).optional(),
  max_position_embeddings: z.int().min(1).optional(),
});
const Index = z.looseObject({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+\.safetensors$/)) });
const Tensor = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().min(0)).max(8),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
type Tensor = z.infer<typeof Tensor>;

/**
 * Checks a model's folder: config.json, one safetensors file or all that its index names, each as long as its header says.
 *
 * @throws {AppError} model-missing: a part is not there; checkpoint-corrupt: it is damaged, or does not fit the rest.
 */
export async function checkModelFiles(folder: string): Promise<ModelFiles> {
  const config = await readJson(folder, "config.json", Config);
  const shards = await shardsOf(folder);
  const tensors = new Map<string, Tensor>();
  let weightBytes = 0;
  for (const [shard, expected] of shards) {
    const found = await readHeader(join(folder, shard));
    weightBytes += found.bytes;
    for (const name of expected ?? [])
      if (!found.tensors.has(name)) throw corrupt(folder, `${shard} lacks ${name}, which the index says is there`);
    for (const [name, tensor] of found.tensors) tensors.set(name, tensor);
  }
  const embedding = [...tensors].find(([name]) => name.endsWith("embed_tokens.weight"))?.[1].shape[0] ?? null;
  if (embedding !== null && config.vocab_size !== undefined && embedding < config.vocab_size)
    throw corrupt(folder, `the embedding has ${embedding} rows, config.json's vocab_size is ${config.vocab_size}`);
  return {
    parameters: [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1), 0),
    weightBytes,
    embeddingRows: embedding,
    maxPositions: config.max_position_embeddings ?? null,
  };
}

/** The safetensors files, and the tensors that the index promises of each. */
async function shardsOf(folder: string): Promise<Map<string, readonly string[] | undefined>> {
  const fs = nodeFileSystem();
  if ((await fs.kind(join(folder, INDEX_FILE))) !== "file") return new Map([[ONE_FILE, undefined]]);
  const { weight_map: places } = await readJson(folder, INDEX_FILE, Index);
  const shards = new Map<string, string[]>();
  for (const [tensor, shard] of Object.entries(places)) shards.set(shard, [...(shards.get(shard) ?? []), tensor]);
  if (shards.size === 0 || shards.size > MAX_SHARDS) throw corrupt(folder, `${INDEX_FILE} names ${shards.size} files`);
  return shards;
}

async function readHeader(path: string): Promise<{ readonly bytes: number; readonly tensors: Map<string, Tensor> }> {
  const { size, text } = await readHeaderText(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corruptFile(path, "its header is not JSON", cause);
  }
  const { __metadata__: _, ...rest } = (value ?? {}) as Record<string, unknown>;
  const read = z.record(z.string(), Tensor).safeParse(rest);
  if (!read.success) throw corruptFile(path, "its header does not describe tensors");
  const tensors = new Map(Object.entries(read.data));
  const end = [...tensors.values()].reduce((most, { data_offsets }) => Math.max(most, data_offsets[1]), 0);
  if (tensors.size === 0) throw corruptFile(path, "it holds no tensor");
  const whole = 8 + Buffer.byteLength(text) + end;
  if (whole !== size) throw corruptFile(path, `it has ${size} bytes, its header says ${whole}`);
  return { bytes: size, tensors };
}

async function readHeaderText(path: string): Promise<{ readonly size: number; readonly text: string }> {
  let handle;
  try {
    handle = await open(path, "r");
    const { size } = await handle.stat();
    const length = Buffer.alloc(8);
    const { bytesRead } = await handle.read(length, 0, 8, 0);
    const headerBytes = bytesRead === 8 ? Number(length.readBigUInt64LE()) : Number.NaN;
    if (!(headerBytes >= 2 && headerBytes <= Math.min(MAX_HEADER_BYTES, size - 8)))
      throw corruptFile(path, "its header's length cannot be");
    const header = Buffer.alloc(headerBytes);
    await handle.read(header, 0, headerBytes, 8);
    return { size, text: header.toString("utf8") };
  } catch (error) {
    if (error instanceof AppError) throw error;
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw fileError(path, error);
    throw new AppError("model-missing", `${path} is missing`, { data: { path } });
  } finally {
    await handle?.close();
  }
}

async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(folder, name);
  let text: string;
  try {
    text = await nodeFileSystem().readText(path, MAX_JSON_BYTES);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "file-missing") throw error;
    throw new AppError("model-missing", `${path} is missing`, { data: { folder, part: name } });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw corruptFile(path, "it is not what it should hold", cause);
  }
}

const corrupt = (folder: string, what: string): AppError =>
  new AppError("checkpoint-corrupt", `${folder}: ${what}`, { data: { folder } });
const corruptFile = (path: string, what: string, cause?: unknown): AppError =>
  new AppError("checkpoint-corrupt", `${path}: ${what}`, { data: { path }, cause });
