import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { AppError } from "../../core/errors.ts";
import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import { fileError } from "../file-error.ts";
import { countRow, dataCorrupt, notUtf8, readOrReport, ROW_LIMITS, type RowLimits, rowTooLong } from "./row-source.ts";

/** Ends of a record, whichever the file has, and all of them in one file: the parser would take the header's for every row. */
const RECORD_ENDS = ["\r\n", "\n", "\r"];
/** Columns beyond this are no data set of questions. */
const MAX_COLUMNS = 1000;

/**
 * Rows of a CSV file with a header (RFC 4180: commas, double quotes, line breaks inside quotes; LF, CRLF or CR ends a record), streamed;
 * every value is text.
 * The parser works on bytes (as Latin-1), and each row's are decoded for themselves: a row in another encoding is one bad row.
 *
 * @throws AppError "file-corrupt" with the row where its length is not the header's or a quote stays open, for a bad header, and for
 *   what is no UTF-8;
 *   "limit-exceeded" for a long record or too many rows.
 */
export async function* csvRows(path: string, limits: RowLimits): AsyncGenerator<TaskRow> {
  const { onBadRow } = limits;
  const skipped: number[] = [];
  const parser = parse({
    encoding: "latin1",
    record_delimiter: RECORD_ENDS,
    skip_empty_lines: true,
    max_record_size: Math.max(limits.maxRowBytes, onBadRow ? ROW_LIMITS.maxRowBytes : 0),
    relax_column_count: false,
    ...(onBadRow && { skip_records_with_error: true, on_skip: skipping(path, skipped, onBadRow) }),
    columns: (header: string[]) => checkHeader(path, header),
  });
  const source = createReadStream(path);
  const bytes = Readable.from(withoutMark(source));
  bytes.on("error", (error) => parser.destroy(error));
  let number = 0;
  try {
    for await (const values of bytes.pipe(parser) as AsyncIterable<Record<string, string>>) {
      number += 1;
      while (skipped[0] === number) number += skipped.shift() === undefined ? 0 : 1;
      countRow(path, number, limits);
      const place = number;
      const row = readOrReport(place, limits, () => ({
        number: place,
        values: textsOf(path, place, { values, limits }),
      }));
      if (row) yield row;
    }
  } catch (error) {
    throw csvError(path, error);
  } finally {
    source.destroy();
  }
}

/** Reports a record that is left out; the parser counts records as they stand in the file. */
function skipping(path: string, skipped: number[], onBadRow: NonNullable<RowLimits["onBadRow"]>) {
  let lastLine: unknown;
  return (error: CsvError | undefined): undefined => {
    if (error?.code === "CSV_MAX_RECORD_SIZE") throw error; // the parser would say it again for every further byte
    if (error !== undefined && error["lines"] === lastLine) return undefined; // a second fault of the same record
    lastLine = error?.["lines"];
    // Both counts are of what came before: records that were read, and records that were skipped.
    const row = Number(error?.["records"] ?? 0) + skipped.length + 1;
    skipped.push(row);
    onBadRow(row, dataCorrupt(path, `row ${row}`, error ? problemOf(error) : "no record", error));
    return undefined;
  };
}

/** A stream of bytes without a byte order mark of UTF-8. */
async function* withoutMark(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const bytes of source) {
    if (head === undefined) {
      yield bytes;
      continue;
    }
    head = Buffer.concat([head, bytes]);
    if (head.length < MARK.length) continue;
    yield head.subarray(MARK.equals(head.subarray(0, MARK.length)) ? MARK.length : 0);
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}

const MARK = Buffer.from("\uFEFF");
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A record's values as text. Throws "file-corrupt" for what is no UTF-8, "limit-exceeded" for a record that is too long. */
function textsOf(
  path: string,
  number: number,
  { values, limits: { maxRowBytes } }: { readonly values: Record<string, string>; readonly limits: RowLimits },
): Record<string, string> {
  const sizeBytes = Object.values(values).reduce((sum, { length }) => sum + length, 0);
  if (sizeBytes > maxRowBytes) throw rowTooLong(path, `row ${number}`, { sizeBytes, maxRowBytes });
  return Object.fromEntries(
    Object.entries(values).map(([name, bytes]) => [name, textOf(path, `row ${number}`, bytes)]),
  );
}

/** Bytes that stand as Latin-1 as the text that they are. */
function textOf(path: string, place: string, bytes: string): string {
  try {
    return /[\x80-\xff]/.test(bytes) ? decoder.decode(Buffer.from(bytes, "latin1")) : bytes;
  } catch (cause) {
    throw notUtf8(path, place, cause);
  }
}

function checkHeader(path: string, header: readonly string[]): string[] {
  const names = header.map((name) => textOf(path, "", name).trim());
  if (names.length > MAX_COLUMNS)
    throw dataCorrupt(path, "header", `${names.length} columns exceed the limit of ${MAX_COLUMNS}`);
  const repeated = names.find((name, at) => names.indexOf(name) !== at);
  if (repeated !== undefined) throw dataCorrupt(path, "header", `the column "${repeated}" stands there twice`);
  if (names.includes("")) throw dataCorrupt(path, "header", "a column has no name");
  if (names.includes("__proto__")) throw dataCorrupt(path, "header", "a column called __proto__");
  return names;
}

function csvError(path: string, error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (!(error instanceof CsvError)) return fileError(path, error);
  // The parser is ahead of the rows that were taken from it, so the row is the one that it counts itself.
  const row = Number(error["records"] ?? 0) + 1;
  if (error.code === "CSV_MAX_RECORD_SIZE")
    return new AppError("limit-exceeded", `${path}, row ${row}: the record is too long: ${error.message}`, {
      hint: "a quote that is never closed makes the rest of the file one record",
      data: { path, row },
      cause: error,
    });
  return dataCorrupt(path, `row ${row}`, problemOf(error), error);
}

/** What is wrong with a record, in the parser's words where they say it; it names the last line for a quote that stays open. */
function problemOf({ code, message }: CsvError): string {
  if (code !== "CSV_QUOTE_NOT_CLOSED") return message;
  return "a quote is never closed: all that follows it, to the file's end, was read as this one row";
}
