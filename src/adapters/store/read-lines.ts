import { createReadStream } from "node:fs";
import { AppError } from "../../core/errors.ts";
import { fileError } from "../file-error.ts";

/** One line of a file, without its newline. */
export interface FileLine {
  /** From 1. */
  readonly number: number;
  /** Byte offset of the line's first byte. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** False only for a last line that no newline ends. */
  readonly isTerminated: boolean;
}

/** Longest line that a record may take, newline not counted. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The lines of a file, streamed: memory is bounded by the longest line.
 * @throws {AppError} `file-missing`, or `limit-exceeded` for a line above `maxLineBytes`, with file and line.
 */
export async function* readLines(path: string, maxLineBytes = MAX_LINE_BYTES): AsyncGenerator<FileLine> {
  let number = 1;
  let offset = 0;
  let parts: Buffer[] = [];
  let size = 0;
  const grow = (part: Buffer): void => {
    size += part.length;
    if (size > maxLineBytes) throw lineTooLong(path, number, maxLineBytes);
    parts.push(part);
  };
  const take = (isTerminated: boolean): FileLine => {
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, size);
    const line = { number, offset, bytes, isTerminated };
    number += 1;
    offset += size + 1;
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of readChunks(path)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      grow(chunk.subarray(start, end));
      start = end + 1;
      yield take(true);
    }
    if (start < chunk.length) grow(chunk.subarray(start));
  }
  if (size > 0) yield take(false);
}

/** A file's bytes, a chunk at a time. Throws as {@link readLines}. */
export async function* readChunks(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw fileError(path, error);
  }
}

function lineTooLong(path: string, line: number, maxLineBytes: number): AppError {
  return new AppError("limit-exceeded", `${path}:${line}: the line exceeds ${maxLineBytes} bytes`, {
    hint: "a record is one line; check that the file is JSONL and not one long JSON document",
    data: { path, line, maxLineBytes },
  });
}
