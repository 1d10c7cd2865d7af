/** @file What the readers of data files share: limits, the errors of a broken file, and a row of plain values. */
import { AppError } from "../../core/errors.ts";
import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import { PlainValueError, plainRecord } from "./plain-value.ts";

/** What reading a data file may take; the defaults let every benchmark in, LiveCodeBench's gigabyte of tests too. */
export interface RowLimits {
  readonly maxFileBytes: number;
  /** Of one row: a line of JSONL, a record of CSV. */
  readonly maxRowBytes: number;
  readonly maxRows: number;
  /** Of a file that can only be read whole: a JSON document. */
  readonly maxDocumentBytes: number;
  /** The only columns that are needed, where a format can leave the others unread; undefined: all. */
  readonly columns?: readonly string[];
  /** Told of each row that cannot be read, which is then left out; without it the first one ends the reading. */
  readonly onBadRow?: (row: number, error: AppError) => void;
}

export const ROW_LIMITS: RowLimits = {
  maxFileBytes: 8 * 1024 ** 3,
  maxRowBytes: 256 * 1024 ** 2,
  maxRows: 1_000_000,
  maxDocumentBytes: 256 * 1024 ** 2,
};

/** The error of a data file that cannot be read as what it says it is. */
export function dataCorrupt(path: string, place: string, problem: string, cause?: unknown): AppError {
  return new AppError("file-corrupt", `${path}${place === "" ? "" : `, ${place}`}: ${problem}`, {
    hint: "check that the file is whole and that its ending says what it is: .jsonl, .json, .csv or .parquet",
    data: { path, place },
    cause,
  });
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Bytes of a data file as text; a byte order mark is dropped. Throws `file-corrupt` for what is no UTF-8. */
export function utf8Text(path: string, place: string, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw notUtf8(path, place, cause);
  }
}

/** The error of a file in another encoding: read on, it would ask questions with letters missing. */
export function notUtf8(path: string, place: string, cause: unknown): AppError {
  return new AppError("file-corrupt", `${path}${place === "" ? "" : `, ${place}`}: not UTF-8 text`, {
    hint: "save it as UTF-8 (a spreadsheet calls this CSV UTF-8), or: iconv -f WINDOWS-1252 -t UTF-8",
    data: { path, place },
    cause,
  });
}

/** The error of a row that is longer than allowed; `sizeBytes` where its length is known. */
export function rowTooLong(
  path: string,
  place: string,
  { sizeBytes, maxRowBytes }: { sizeBytes?: number; maxRowBytes: number },
): AppError {
  const size = sizeBytes === undefined ? "it" : `${sizeBytes} bytes`;
  return new AppError(
    "limit-exceeded",
    `${path}, ${place}: ${size} exceed${sizeBytes === undefined ? "s" : ""} the limit of ${maxRowBytes} bytes for a row`,
    {
      hint: "check that a line end or a closing quote is not missing there",
      data: { path, place, maxRowBytes },
    },
  );
}

/** A value read from a file as a row. Throws `file-corrupt` for what is no object of plain values, naming the row. */
export function rowOf(path: string, number: number, value: unknown): TaskRow {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw dataCorrupt(path, `row ${number}`, "expected an object with a field for each column");
  try {
    return { number, values: plainRecord(value) };
  } catch (error) {
    if (error instanceof PlainValueError) throw dataCorrupt(path, `row ${number}`, error.message, error);
    throw error;
  }
}

/** What `read` gives for a row; undefined for a row that cannot be read where {@link RowLimits.onBadRow} wants to be told. */
export function readOrReport<T>(number: number, { onBadRow }: RowLimits, read: () => T): T | undefined {
  if (onBadRow === undefined) return read();
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AppError) || (error.code !== "file-corrupt" && error.code !== "limit-exceeded")) throw error;
    onBadRow(number, error);
    return undefined;
  }
}

/** Throws `limit-exceeded` where a file has more rows than allowed. */
export function countRow(path: string, number: number, { maxRows }: RowLimits): void {
  if (number > maxRows)
    throw new AppError("limit-exceeded", `${path}: more than ${maxRows} rows`, {
      hint: "cut the file, or split it",
      data: { path, maxRows },
    });
}
