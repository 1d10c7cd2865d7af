import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import { type BoundedLine, boundedLines } from "../store/bounded-lines.ts";
import { readChunks } from "../store/read-lines.ts";
import { rawMembers } from "./raw-members.ts";
import { countRow, dataCorrupt, readOrReport, type RowLimits, rowOf, rowTooLong, utf8Text } from "./row-source.ts";

/**
 * Rows of a JSONL file, streamed; blank lines count for no row, and a last line needs no newline. A list or an object in a
 * field of `rawFields` is given as its own JSON text.
 *
 * @throws AppError "file-corrupt" with file and line, "limit-exceeded" for a long line or too many rows.
 */
export async function* jsonlRows(
  path: string,
  limits: RowLimits,
  rawFields: readonly string[] = [],
): AsyncGenerator<TaskRow> {
  let number = 0;
  for await (const line of linesOf(path, limits)) {
    const text = readOrReport(number + 1, limits, () => lineText(path, line, limits));
    if (text?.trim() === "") continue;
    number += 1;
    countRow(path, number, limits);
    const place = number;
    const row = text && readOrReport(place, limits, () => rowOf(path, place, parseLine(path, line.number, text)));
    if (!row) continue;
    yield rawFields.length === 0 ? row : { number, values: { ...row.values, ...rawMembers(text, rawFields) } };
  }
}

async function* linesOf(path: string, { maxRowBytes }: RowLimits): AsyncGenerator<BoundedLine> {
  for await (const lines of boundedLines(readChunks(path), maxRowBytes)) yield* lines;
}

function lineText(path: string, { number, sizeBytes, bytes }: BoundedLine, { maxRowBytes }: RowLimits): string {
  if (bytes === null) throw rowTooLong(path, `line ${number}`, { sizeBytes, maxRowBytes });
  return utf8Text(path, `line ${number}`, bytes);
}

function parseLine(path: string, line: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw dataCorrupt(path, `line ${line}`, "the line is not JSON", cause);
  }
}
