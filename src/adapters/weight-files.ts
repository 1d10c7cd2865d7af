/** @file A student's weights on disk: one safetensors file, or shards with an index, as `save_pretrained` writes them. */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../core/errors.ts";
import { canonicalJson, sha256Hex } from "../core/hash.ts";
import {
  headerEnd,
  readEntries,
  type StoredTensors,
  storedValues,
  type TensorEntry,
} from "../student/checkpoint/safetensors.ts";
import { fileError, withFileError } from "./file-error.ts";
import { nodeFileSystem } from "./file-system.ts";

/** A student's tensors, and what identifies their bytes. */
export interface Weights {
  /** bf16 stays bf16; f16 is widened. */
  readonly tensors: StoredTensors;
  /** SHA-256 of `model.safetensors`; of the shards' names and hashes where there are several. */
  readonly weightHash: string;
}

/** Most bytes of weights in all files: twice what the engine could hold, and more than any student for it has. */
const MAX_WEIGHT_BYTES = 2 ** 33;
const MAX_INDEX_BYTES = 16 << 20;
/** One read call takes at most 2 GiB. */
const READ_BYTES = 1 << 28;
const INDEX_FILE = "model.safetensors.index.json";
const Index = z.looseObject({
  weight_map: z.record(z.string(), z.string().regex(/^[A-Za-z0-9][\w.-]*\.safetensors$/, "not the name of a shard")),
});

/**
 * Reads `model.safetensors`, or the shards that `model.safetensors.index.json` names.
 *
 * @throws {AppError} model-missing, checkpoint-corrupt, limit-exceeded
 */
export async function readWeights(folder: string): Promise<Weights> {
  const files = nodeFileSystem();
  const single = join(folder, "model.safetensors");
  if ((await files.kind(single)) === "file") {
    const { tensors, sha256 } = await readWeightFile(single, MAX_WEIGHT_BYTES);
    return { tensors, weightHash: sha256 };
  }
  if ((await files.kind(join(folder, INDEX_FILE))) === "file") return await readShards(folder);
  throw new AppError("model-missing", `${single} is missing, and there is no ${INDEX_FILE}`, {
    hint: "save the model as safetensors (save_pretrained does)",
    data: { folder, part: "model.safetensors" },
  });
}

async function readShards(folder: string): Promise<Weights> {
  const map = await readIndex(join(folder, INDEX_FILE));
  const names = [...new Set(Object.values(map))].sort();
  const tensors = new Map<string, StoredTensors extends ReadonlyMap<string, infer T> ? T : never>();
  const hashes: [string, string][] = [];
  let left = MAX_WEIGHT_BYTES;
  for (const name of names) {
    const shard = await readWeightFile(join(folder, name), left);
    left -= shard.bytes;
    hashes.push([name, shard.sha256]);
    for (const [tensor, value] of shard.tensors) {
      if (map[tensor] !== name)
        throw corrupt(folder, `${tensor.slice(0, 200)} stands in ${name}, not where the index says`);
      tensors.set(tensor, value);
    }
  }
  const absent = Object.keys(map).find((tensor) => !tensors.has(tensor));
  if (absent !== undefined) throw corrupt(folder, `${absent.slice(0, 200)} is not in ${map[absent]}`);
  return { tensors, weightHash: sha256Hex(canonicalJson(hashes)) };
}

async function readIndex(path: string): Promise<Readonly<Record<string, string>>> {
  const text = await nodeFileSystem().readText(path, MAX_INDEX_BYTES);
  try {
    return Index.parse(JSON.parse(text)).weight_map;
  } catch (cause) {
    throw new AppError("checkpoint-corrupt", `${path}: not an index of shards`, {
      hint: "copy the file again from where the model came from",
      cause,
    });
  }
}

function corrupt(folder: string, detail: string): AppError {
  return new AppError("checkpoint-corrupt", `${folder}: ${detail}`, {
    hint: "the shards and their index must come from one model",
    data: { folder },
  });
}

/** One safetensors file, tensor by tensor, so that no more than its values are in memory at once. */
async function readWeightFile(
  path: string,
  maxBytes: number,
): Promise<{ tensors: StoredTensors; sha256: string; bytes: number }> {
  const handle = await withFileError(path, () => open(path, "r"));
  try {
    const { size } = await handle.stat();
    if (size > maxBytes)
      throw new AppError("limit-exceeded", `${path}: ${size} bytes exceed the limit of ${maxBytes}`, {
        hint: "the embedded engine is for small students; larger ones train with a launcher (train.launcher)",
        data: { bytes: size, maxBytes },
      });
    const hash = createHash("sha256");
    const reader = { handle, hash, size };
    const start = await readBytes(reader, 0, Math.min(8, size));
    const dataStart = headerEnd(start, size);
    const entries = readEntries(await readBytes(reader, 8, dataStart), size - dataStart);
    const tensors = new Map<string, { shape: readonly number[]; data: Float32Array | Uint16Array }>();
    for (const entry of entries) tensors.set(entry.name, await readTensor(reader, dataStart, entry));
    return { tensors, sha256: hash.digest("hex"), bytes: size };
  } catch (error) {
    if (!(error instanceof AppError)) throw fileError(path, error);
    throw error.message.startsWith(path)
      ? error
      : new AppError(error.code, `${path}: ${error.message}`, {
          hint: error.hint ?? "copy the file again",
          cause: error,
        });
  } finally {
    await handle.close();
  }
}

interface Reader {
  readonly handle: FileHandle;
  /** Sees every byte of the file in order: entries tile it. */
  readonly hash: Hash;
  readonly size: number;
}

async function readTensor(reader: Reader, dataStart: number, entry: TensorEntry) {
  const bytes = await readBytes(reader, dataStart + entry.begin, dataStart + entry.end);
  return { shape: entry.shape, data: storedValues(bytes, entry) };
}

/** Bytes [begin, end) in a buffer of their own. */
async function readBytes({ handle, hash }: Reader, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(READ_BYTES, bytes.length - at);
    const { bytesRead } = await handle.read(bytes, at, length, begin + at);
    if (bytesRead === 0) throw new AppError("checkpoint-corrupt", `ends at byte ${begin + at} while it is read`);
    hash.update(bytes.subarray(at, at + bytesRead));
    at += bytesRead;
  }
  return bytes;
}
