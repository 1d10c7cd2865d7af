import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import { readLines } from "../store/read-lines.ts";
import { rawMembers } from "./raw-members.ts";
import { countRow, dataCorrupt, readOrReport, type RowLimits, rowOf, utf8Text } from "./row-source.ts";

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
  for await (const line of readLines(path, limits.maxRowBytes)) {
    const text = readOrReport(number + 1, limits, () => utf8Text(path, `line ${line.number}`, line.bytes));
    if (text?.trim() === "") continue;
    number += 1;
    countRow(path, number, limits);
    const place = number;
    const row = text && readOrReport(place, limits, () => rowOf(path, place, parseLine(path, line.number, text)));
    if (!row) continue;
    yield rawFields.length === 0 ? row : { number, values: { ...row.values, ...rawMembers(text, rawFields) } };
  }
}

function parseLine(path: string, line: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw dataCorrupt(path, `line ${line}`, "the line is not JSON", cause);
  }
}
