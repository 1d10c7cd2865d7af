/** @file A model's weights, read from the disk a stretch at a time: a 32B model's 65 GB need a few megabytes of memory. */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import {
  BYTES_PER_VALUE,
  type Dtype,
  headerEnd,
  readEntries,
  type TensorEntry,
} from "../../student/checkpoint/safetensors.ts";
import type { StoredValues } from "../../student/export/weight-types.ts";
import { withFileError } from "../file-error.ts";
import { nodeFileSystem } from "../file-system.ts";

/** What is known of a tensor before it is read. */
export interface WeightTensor {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
}

/** Tensors by name, in the order of their files. */
export interface WeightSource {
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  /** Rows of a tensor as they are stored; of a vector, its values are the rows. Throws AppError "file-corrupt" and others. */
  read(name: string, firstRow: number, rows: number): Promise<StoredValues>;
  /** Tells these files from others of their names: sizes and times, no content. */
  readonly stamp: string;
  close(): Promise<void>;
}

/** Values of one row. */
export function rowLength(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, extent) => product * extent, 1);
}

/** Most bytes of a stretch; a row may be longer. */
const STRETCH_BYTES = 8 << 20;

/**
 * Stretches of a tensor, from its first row to its last.
 *
 * @param multiple each stretch but the last has a multiple of so many rows
 */
export function* stretches({ shape }: WeightTensor, multiple = 1): Generator<{ first: number; rows: number }> {
  const rows = shape[0] ?? 1;
  const fitting = Math.floor(STRETCH_BYTES / (4 * Math.max(1, rowLength(shape))));
  const step = Math.max(multiple, fitting - (fitting % multiple));
  for (let first = 0; first < rows; first += step) yield { first, rows: Math.min(step, rows - first) };
}

const MAX_INDEX_BYTES = 64 << 20;
const MAX_SHARDS = 4096;
const INDEX_FILE = "model.safetensors.index.json";
const SHARD_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.safetensors$/;
const Index = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/**
 * Opens `model.safetensors` of a folder, or the shards that its index names.
 *
 * @throws AppError "model-missing", "checkpoint-corrupt"
 */
export async function openWeights(folder: string): Promise<WeightSource> {
  const fs = nodeFileSystem();
  if ((await fs.kind(join(folder, "model.safetensors"))) === "file")
    return await openWeightFiles(folder, ["model.safetensors"]);
  if ((await fs.kind(join(folder, INDEX_FILE))) !== "file")
    throw new AppError("model-missing", `${folder}: neither model.safetensors nor ${INDEX_FILE}`, {
      hint: "the folder must hold a whole model in Hugging Face's layout; an adapter needs its base with --base",
      data: { folder },
    });
  const map = readIndex(folder, await fs.readText(join(folder, INDEX_FILE), MAX_INDEX_BYTES));
  const source = await openWeightFiles(folder, [...new Set(Object.values(map))].sort());
  const missing = Object.keys(map).find((name) => !source.tensors.has(name));
  if (missing === undefined) return source;
  await source.close();
  throw corrupt(folder, `${INDEX_FILE} names ${missing.slice(0, 200)}, which no shard holds`);
}

function readIndex(folder: string, text: string): Record<string, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw corrupt(folder, `${INDEX_FILE} is not JSON`);
  }
  const read = Index.safeParse(json);
  const names = new Set(Object.values(read.data?.weight_map ?? {}));
  if (names.size === 0 || names.size > MAX_SHARDS || [...names].some((name) => !SHARD_NAME.test(name)))
    throw corrupt(folder, `${INDEX_FILE} is no index of shards`);
  return read.data?.weight_map ?? {};
}

interface Placed {
  readonly handle: FileHandle;
  readonly path: string;
  readonly start: number;
  readonly entry: TensorEntry;
}

/** Opens safetensors files of a folder as one source. Throws as {@link openWeights}. */
export async function openWeightFiles(folder: string, files: readonly string[]): Promise<WeightSource> {
  const places = new Map<string, Placed>();
  const handles: FileHandle[] = [];
  const stamps: unknown[] = [];
  const close = async (): Promise<void> => void (await Promise.all(handles.map((handle) => handle.close())));
  try {
    for (const file of files) {
      const path = join(folder, file);
      const handle = await withFileError(path, () => open(path, "r"));
      handles.push(handle);
      const { size, mtimeMs } = await handle.stat();
      stamps.push([file, size, mtimeMs]);
      for (const [name, place] of await placesIn(path, handle)) {
        if (places.has(name)) throw corrupt(folder, `${name.slice(0, 200)} is in two files`);
        places.set(name, place);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    tensors: new Map(
      [...places].map(
        ([
          name,
          {
            entry: { shape, dtype },
          },
        ]) => [name, { shape, dtype }],
      ),
    ),
    read: (name, firstRow, rows) => readRows(placeOf(places, name, folder), firstRow, rows),
    stamp: JSON.stringify(stamps),
    close,
  };
}

function placeOf(places: ReadonlyMap<string, Placed>, name: string, folder: string): Placed {
  const place = places.get(name);
  if (place === undefined) throw corrupt(folder, `no tensor ${name.slice(0, 200)}`);
  return place;
}

async function placesIn(path: string, handle: FileHandle): Promise<[string, Placed][]> {
  const { size } = await handle.stat();
  const start = await readAt(path, handle, { start: 0, bytes: Math.min(8, size) });
  try {
    const dataStart = headerEnd(start, size);
    const header = await readAt(path, handle, { start: 8, bytes: dataStart - 8 });
    const entries = readEntries(header, size - dataStart);
    return entries.map((entry) => [entry.name, { handle, path, start: dataStart + entry.begin, entry }]);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw corrupt(path, error.message);
  }
}

async function readRows({ handle, path, start, entry }: Placed, firstRow: number, rows: number): Promise<StoredValues> {
  const rowBytes = rowLength(entry.shape) * BYTES_PER_VALUE[entry.dtype];
  const bytes = await readAt(path, handle, { start: start + firstRow * rowBytes, bytes: rows * rowBytes });
  return { dtype: entry.dtype, bytes };
}

/** Exactly so many bytes; a file that ends before is not the one that was opened. */
async function readAt(path: string, handle: FileHandle, { start, bytes }: { start: number; bytes: number }) {
  const buffer = new Uint8Array(bytes);
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await withFileError(path, () => handle.read(buffer, done, bytes - done, start + done));
    if (bytesRead === 0)
      throw new AppError("file-corrupt", `${path}: ends at byte ${start + done}, before its tensors do`);
    done += bytesRead;
  }
  return buffer;
}

function corrupt(folder: string, detail: string): AppError {
  return new AppError("checkpoint-corrupt", `${folder}: ${detail}`, {
    hint: "copy the checkpoint again from where it came from",
    data: { folder },
  });
}
