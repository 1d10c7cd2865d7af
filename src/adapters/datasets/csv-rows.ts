import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { AppError } from "../../core/errors.ts";
import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import { fileError } from "../file-error.ts";
import { countRow, dataCorrupt, notUtf8, type RowLimits } from "./row-source.ts";

/** Columns beyond this are no data set of questions. */
const MAX_COLUMNS = 1000;

/**
 * Rows of a CSV file with a header (RFC 4180: commas, double quotes, line breaks inside quotes), streamed; every value is text.
 *
 * @throws AppError "file-corrupt" with the row where its length is not the header's or a quote stays open, for a bad header, and for
 *   what is no UTF-8;
 *   "limit-exceeded" for a long record or too many rows.
 */
export async function* csvRows(path: string, limits: RowLimits): AsyncGenerator<TaskRow> {
  const { onBadRow } = limits;
  const skipped: number[] = [];
  const parser = parse({
    skip_empty_lines: true,
    max_record_size: limits.maxRowBytes,
    relax_column_count: false,
    ...(onBadRow && { skip_records_with_error: true, on_skip: skipping(path, skipped, onBadRow) }),
    columns: (header: string[]) => checkHeader(path, header),
  });
  const source = createReadStream(path);
  const text = Readable.from(decoded(path, source));
  text.on("error", (error) => parser.destroy(error));
  let number = 0;
  try {
    for await (const values of text.pipe(parser) as AsyncIterable<Record<string, string>>) {
      number += 1;
      while (skipped[0] === number) number += skipped.shift() === undefined ? 0 : 1;
      countRow(path, number, limits);
      yield { number, values };
    }
  } catch (error) {
    throw csvError(path, error);
  } finally {
    source.destroy();
  }
}

/** Reports a record that is left out; the parser counts records as they stand in the file. */
function skipping(path: string, skipped: number[], onBadRow: NonNullable<RowLimits["onBadRow"]>) {
  return (error: CsvError | undefined): undefined => {
    // Both counts are of what came before: records that were read, and records that were skipped.
    const row = Number(error?.["records"] ?? 0) + skipped.length + 1;
    skipped.push(row);
    onBadRow(row, dataCorrupt(path, `row ${row}`, error?.message ?? "no record", error));
    return undefined;
  };
}

/** Text of a stream of bytes, without a byte order mark. */
async function* decoded(path: string, source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes: Buffer | undefined): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw notUtf8(path, "", cause);
    }
  };
  for await (const bytes of source) yield decode(bytes);
  yield decode(undefined);
}

function checkHeader(path: string, header: readonly string[]): string[] {
  const names = header.map((name) => name.trim());
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
  return dataCorrupt(path, `row ${row}`, error.message, error);
}
