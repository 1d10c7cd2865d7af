import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import { nodeFileSystem } from "../file-system.ts";
import { countRow, dataCorrupt, readOrReport, type RowLimits, rowOf, utf8Text } from "./row-source.ts";

/** Keys under which a document may hold its rows, where it is no list itself. */
const ROW_KEYS = ["data", "rows", "questions", "examples"] as const;

/**
 * Rows of a JSON document: a list of objects, or an object that holds one under `data`, `rows`, `questions` or `examples`.
 *
 * @throws AppError "file-corrupt" for anything else, "limit-exceeded" for a document that is too large.
 */
export async function* jsonRows(path: string, limits: RowLimits): AsyncGenerator<TaskRow> {
  const text = utf8Text(path, "", await nodeFileSystem().readBytes(path, limits.maxDocumentBytes));
  let number = 0;
  for (const value of rowList(path, parseDocument(path, text))) {
    number += 1;
    countRow(path, number, limits);
    const place = number;
    const row = readOrReport(place, limits, () => rowOf(path, place, value));
    if (row) yield row;
  }
}

function parseDocument(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw dataCorrupt(path, "", "the file is not JSON", cause);
  }
}

function rowList(path: string, document: unknown): readonly unknown[] {
  if (Array.isArray(document)) return document;
  const found =
    typeof document === "object" && document !== null
      ? ROW_KEYS.map((key) => (document as Record<string, unknown>)[key]).find((value) => Array.isArray(value))
      : undefined;
  if (Array.isArray(found)) return found;
  throw dataCorrupt(path, "", `expected a list of objects, or one under ${ROW_KEYS.join(", ")}`);
}
