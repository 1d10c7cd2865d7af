/** @file A data file of any kind that Grappa reads, by its ending. */
import { extname } from "node:path";
import { AppError } from "../../core/errors.ts";
import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import type { FileDigest } from "../file-system.ts";
import { nodeFileSystem } from "../file-system.ts";
import { csvRows } from "./csv-rows.ts";
import { jsonRows } from "./json-rows.ts";
import { jsonlRows } from "./jsonl-rows.ts";
import { parquetRows } from "./parquet-rows.ts";
import { ROW_LIMITS, type RowLimits } from "./row-source.ts";

/** A data file that has been hashed, and its rows as they are read. */
export interface DataFile {
  /** SHA-256 of the file's bytes. */
  readonly sha256: string;
  /** `rawFields`: lists and objects there come as their own JSON text, where the file is JSONL. */
  rows(rawFields?: readonly string[]): AsyncIterable<TaskRow>;
}

/** How to open a data file. */
export interface OpenDataOptions {
  /** The hash that the file must have; mismatches are an error that names both. */
  readonly sha256?: string;
  readonly limits?: Partial<RowLimits>;
}

type Reader = (path: string, limits: RowLimits, rawFields?: readonly string[]) => AsyncIterable<TaskRow>;

const READERS: Readonly<Record<string, Reader>> = {
  ".jsonl": jsonlRows,
  ".ndjson": jsonlRows,
  ".json": jsonRows,
  ".csv": csvRows,
  ".parquet": parquetRows,
};

/** Endings of the files that can be read. */
export const DATA_ENDINGS: readonly string[] = Object.keys(READERS);

/**
 * Hashes a file and makes it ready to be read row by row.
 *
 * @throws AppError "usage" for an ending that no reader has, "file-missing", "limit-exceeded" for its size, and
 *   "file-corrupt" where its hash is not the pinned one.
 */
export async function openDataFile(path: string, options: OpenDataOptions = {}): Promise<DataFile> {
  const limits = { ...ROW_LIMITS, ...options.limits };
  const reader = READERS[extname(path).toLowerCase()];
  if (reader === undefined) {
    throw new AppError("usage", `${path}: data is read from ${DATA_ENDINGS.join(", ")}`, {
      hint: "rename the file, or convert it",
      data: { path },
    });
  }
  const { sha256 } = await digestWithin(path, limits.maxFileBytes);
  if (options.sha256 !== undefined && options.sha256.toLowerCase() !== sha256)
    throw otherHash(path, options.sha256, sha256);
  return { sha256, rows: (rawFields) => reader(path, limits, rawFields) };
}

async function digestWithin(path: string, maxBytes: number): Promise<FileDigest> {
  const fs = nodeFileSystem();
  const found = await fs.digest(path);
  if (found.bytes <= maxBytes) return found;
  throw new AppError("limit-exceeded", `${path}: ${found.bytes} bytes exceed the limit of ${maxBytes}`, {
    data: { path, bytes: found.bytes, maxBytes },
  });
}

function otherHash(path: string, expected: string, found: string): AppError {
  return new AppError("file-corrupt", `${path}: its SHA-256 is ${found}, but ${expected} is pinned`, {
    hint: "get the data that was pinned, or pin this file's hash if the change is meant",
    data: { path, expected, found },
  });
}
