/** @file A data file of any kind that Grappa reads, by its ending. */
import { extname } from "node:path";
import { AppError } from "../../core/errors.ts";
import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import type { FileDigest } from "../file-system.ts";
import { nodeFileSystem } from "../file-system.ts";
import { DATA_ENDINGS, type DataEnding } from "./data-endings.ts";
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
  /** What may be read, and who is told of rows that cannot be. */
  readonly limits?: Partial<RowLimits>;
}

type Reader = (path: string, limits: RowLimits, rawFields?: readonly string[]) => AsyncIterable<TaskRow>;

const READERS: Readonly<Record<DataEnding, Reader>> = {
  ".jsonl": jsonlRows,
  ".ndjson": jsonlRows,
  ".json": jsonRows,
  ".csv": csvRows,
  ".parquet": parquetRows,
};

/**
 * Hashes a file and makes it ready to be read row by row.
 *
 * @throws AppError "usage" for an ending that no reader has, "file-missing", "limit-exceeded" for its size, and
 *   "file-corrupt" where its hash is not the pinned one.
 */
export async function openDataFile(path: string, options: OpenDataOptions = {}): Promise<DataFile> {
  const limits = { ...ROW_LIMITS, ...options.limits };
  const ending = extname(path).toLowerCase();
  const reader = DATA_ENDINGS.map((known) => (known === ending ? READERS[known] : undefined)).find(Boolean);
  if (reader === undefined) {
    throw new AppError("usage", `${path}: data is read from ${DATA_ENDINGS.join(", ")}`, {
      hint: "rename the file, or convert it",
      data: { path },
    });
  }
  const { sha256 } = await digestWithin(path, limits.maxFileBytes);
  refuseOtherHash(path, { expected: options.sha256, found: sha256 });
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

/** Throws `file-corrupt`, naming both, where a hash is pinned and the data has another; nothing where none is. */
export function refuseOtherHash(
  data: string,
  { expected, found }: { expected: string | undefined; found: string },
): void {
  if (expected === undefined || expected.toLowerCase() === found) return;
  throw new AppError("file-corrupt", `${data}: its SHA-256 is ${found}, but ${expected} is pinned`, {
    hint: "get the data that was pinned, or pin this hash if the change is meant",
    data: { data, expected, found },
  });
}
