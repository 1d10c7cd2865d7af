import { type FileHandle, open } from "node:fs/promises";
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { AppError } from "../../core/errors.ts";
import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import { withFileError } from "../file-error.ts";
import { countRow, dataCorrupt, readOrReport, type RowLimits, rowOf } from "./row-source.ts";

/** Uncompressed bytes of one row group: what is in memory at a time. */
const MAX_GROUP_BYTES = 2 * 1024 ** 3;

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Text, or the bytes where they are no UTF-8: `rowOf` refuses these, and so one row instead of its group. The library would
 * put U+FFFD in place of them.
 */
function textOrBytes(bytes: Uint8Array | undefined): string | Uint8Array | undefined {
  try {
    return bytes && decoder.decode(bytes);
  } catch {
    return bytes; // said by whoever makes a row of it
  }
}

function jsonOrBytes(bytes: Uint8Array | undefined): unknown {
  const text = textOrBytes(bytes);
  return typeof text === "string" ? (JSON.parse(text) as unknown) : text;
}

/** For columns that were asked for: bytes that are no text make a bad row. */
const PARSERS = { stringFromBytes: textOrBytes, jsonFromBytes: jsonOrBytes };
/** For whatever is there: bytes that are no text, such as pictures, are nothing to whoever reads texts. */
const ANY_PARSERS = {
  stringFromBytes: (bytes: Uint8Array) => orNull(textOrBytes(bytes)),
  jsonFromBytes: (bytes: Uint8Array) => orNull(jsonOrBytes(bytes)),
};

const orNull = (value: unknown): unknown => (value instanceof Uint8Array ? null : value);

/**
 * Rows of a Parquet file, one row group in memory at a time; any codec of the format but LZO.
 *
 * @throws AppError "file-corrupt" for what is no Parquet file or a damaged one, "limit-exceeded" for a huge row group or too
 *   many rows.
 */
export async function* parquetRows(path: string, limits: RowLimits): AsyncGenerator<TaskRow> {
  const handle = await openFile(path);
  try {
    const file = await fileBuffer(handle);
    const metadata = await readMetadata(path, file);
    checkSizes(path, metadata, limits);
    const columns = wantedColumns(metadata, limits);
    let rowStart = 0;
    for (const { num_rows } of metadata.row_groups) {
      const rowEnd = rowStart + Number(num_rows);
      yield* groupRows(path, file, { metadata, rowStart, rowEnd, columns, limits });
      rowStart = rowEnd;
    }
  } finally {
    await handle.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  return await withFileError(path, async () => {
    return await open(path, "r");
  });
}

async function fileBuffer(handle: FileHandle): Promise<AsyncBuffer> {
  const byteLength = (await handle.stat()).size;
  const read = async (start: number, end: number): Promise<ArrayBuffer> => {
    const from = start < 0 ? Math.max(0, byteLength + start) : Math.min(start, byteLength);
    const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - from));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
    if (bytesRead !== bytes.length) throw new Error(`${bytesRead} of ${bytes.length} bytes read at ${from}`);
    return bytes.buffer;
  };
  return {
    byteLength,
    slice(start, end = byteLength) {
      // At once, and not as a promise that fails: the reader asks for places ahead of time and may wait for none of them, and
      // a failure that nobody waits for ends the process.
      if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end))
        throw new Error(`no place in a file: ${start} to ${end}`);
      const bytes = read(start, end);
      bytes.catch(() => undefined); // whoever waits for it is told all the same
      return bytes;
    },
  };
}

async function readMetadata(path: string, file: AsyncBuffer): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(file);
  } catch (cause) {
    throw dataCorrupt(path, "", `no Parquet file: ${messageOf(cause)}`, cause);
  }
}

function checkSizes(path: string, metadata: FileMetaData, limits: RowLimits): void {
  countRow(path, Number(metadata.num_rows), limits);
  const rows = metadata.row_groups.reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
  if (rows !== Number(metadata.num_rows) || metadata.row_groups.some(({ num_rows }) => num_rows < 0n))
    throw dataCorrupt(path, "", `row groups of ${rows} rows, but the file says ${metadata.num_rows}`);
  const largest = metadata.row_groups.reduce((most, { total_byte_size }) => Math.max(most, Number(total_byte_size)), 0);
  if (largest > MAX_GROUP_BYTES)
    throw new AppError("limit-exceeded", `${path}: a row group of ${largest} bytes exceeds ${MAX_GROUP_BYTES}`, {
      hint: "write the file anew with smaller row groups",
      data: { path, largest },
    });
}

/**
 * The columns that are needed, a nested field's by the column it is in. Undefined for all: where one is not there, so that the
 * complaint about it can say what is.
 */
function wantedColumns(metadata: FileMetaData, { columns }: RowLimits): string[] | undefined {
  const there = new Set(parquetSchema(metadata).children.map(({ element }) => element.name));
  const found = (columns ?? []).map((name) => [name, name.split(".")[0] ?? ""].find((one) => there.has(one)));
  return found.length > 0 && found.every((name) => name !== undefined) ? [...new Set(found)] : undefined;
}

interface RowGroup {
  readonly metadata: FileMetaData;
  readonly rowStart: number;
  readonly rowEnd: number;
  readonly columns: string[] | undefined;
  readonly limits: RowLimits;
}

/** A group's rows. Damage inside of it makes each of its rows a bad one: none can be told from the others. */
async function* groupRows(path: string, file: AsyncBuffer, group: RowGroup): AsyncGenerator<TaskRow> {
  const { rowStart, rowEnd, limits } = group;
  const values = await readGroup(path, file, group).catch((error: unknown) => {
    if (!(error instanceof AppError) || limits.onBadRow === undefined) throw error;
    for (let number = rowStart + 1; number <= rowEnd; number++) limits.onBadRow(number, error);
    return [];
  });
  for (const [place, value] of values.entries()) {
    const number = rowStart + place + 1;
    const row = readOrReport(number, limits, () => rowOf(path, number, value));
    if (row) yield row;
  }
}

async function readGroup(
  path: string,
  file: AsyncBuffer,
  { metadata, rowStart, rowEnd, columns }: RowGroup,
): Promise<readonly unknown[]> {
  try {
    const wanted = columns === undefined ? {} : { columns };
    const rows = await parquetReadObjects({
      file,
      metadata,
      rowStart,
      rowEnd,
      compressors,
      parsers: columns === undefined ? ANY_PARSERS : PARSERS,
      ...wanted,
    });
    if (rows.length === rowEnd - rowStart) return rows;
    throw new Error(`${rows.length} of ${rowEnd - rowStart} rows found`);
  } catch (cause) {
    throw dataCorrupt(path, `rows ${rowStart + 1} to ${rowEnd}`, `cannot be read: ${messageOf(cause)}`, cause);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
