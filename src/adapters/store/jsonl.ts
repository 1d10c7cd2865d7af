/** @file JSONL files: one record a line, UTF-8, every line ended by a newline, each checked against its schema. */
import type { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { refuseOtherVersion } from "../../schema/record-version.ts";
import { type FileLine, readLines } from "./read-lines.ts";

/** A last line that a crash cut off. */
export interface TornLine {
  readonly path: string;
  readonly line: number;
  readonly sizeBytes: number;
}

/** How to read a JSONL file. */
export interface ReadJsonlOptions {
  /**
   * What to do with a last line that no newline ends. `refuse` (default): our own files are written whole, so it is
   * corrupt. `accept`: files that people made. `skip`: append logs, where a crash leaves one; see `onTornLine`.
   */
  readonly unterminated?: "refuse" | "accept" | "skip";
  readonly onTornLine?: (torn: TornLine) => void;
  readonly maxLineBytes?: number;
}

/**
 * The records of a file, streamed and validated.
 * @throws {AppError} `file-missing`; `limit-exceeded`: a line is too long; `file-corrupt`: not UTF-8 JSON, or cut off;
 * `schema-version`: written by another version; `record-invalid`: not the schema. The message names file and line.
 */
export async function* readJsonl<T>(
  path: string,
  schema: z.ZodType<T>,
  options: ReadJsonlOptions = {},
): AsyncGenerator<T> {
  const { unterminated = "refuse", onTornLine, maxLineBytes } = options;
  for await (const line of readLines(path, maxLineBytes)) {
    if (!line.isTerminated && unterminated === "skip") {
      onTornLine?.({ path, line: line.number, sizeBytes: line.bytes.length });
      return;
    }
    if (!line.isTerminated && unterminated === "refuse") {
      throw corrupt(path, line.number, "the last line is cut off (no newline ends it)");
    }
    yield parseRecord(path, line, schema);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** One line as a validated record; see {@link readJsonl} for the errors. */
export function parseRecord<T>(path: string, line: Pick<FileLine, "number" | "bytes">, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line.bytes));
  } catch (cause) {
    throw corrupt(path, line.number, "the line is not JSON", cause);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  refuseOtherVersion(value, `${path}:${line.number}`);
  const issues = result.error.issues
    .slice(0, 5)
    .map(({ path: at, message }) => `${at.join(".") || "record"}: ${message}`);
  throw new AppError("record-invalid", `${path}:${line.number}: ${issues.join("; ").slice(0, 500)}`, {
    hint: "correct the line, or delete the file and run its stage again",
    data: { path, line: line.number, issues },
  });
}

function corrupt(path: string, line: number, what: string, cause?: unknown): AppError {
  return new AppError("file-corrupt", `${path}:${line}: ${what}`, {
    hint: "delete the file and run its stage again, or restore it",
    data: { path, line },
    cause,
  });
}
