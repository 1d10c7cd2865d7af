/** @file Bytes in and text out at the pace of the slower side. */
import { createReadStream } from "node:fs";
import { addAbortSignal, type Readable, type Writable } from "node:stream";
import { fileError } from "./file-error.ts";

/**
 * The bytes of a file or of an open stream, read as they are asked for. Ends quietly when the signal is aborted.
 * @throws {AppError} `file-missing` and the like, with the path.
 */
export async function* readBytes(source: string | Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = typeof source === "string" ? createReadStream(source, { highWaterMark: 1 << 16 }) : source;
  addAbortSignal(signal, stream);
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    if (signal.aborted) return;
    throw fileError(typeof source === "string" ? source : "standard input", error);
  }
}

/** Writes, and waits while the stream holds more than it wants to. False when its reader went away: nothing was written. */
export async function writeAndWait(stream: Writable, text: string): Promise<boolean> {
  if (stream.errored !== null || stream.destroyed) return false;
  if (stream.write(text)) return true;
  return await new Promise<boolean>((resolve) => {
    const settle = (isOpen: boolean) => (): void => {
      stream.off("drain", drained).off("error", gone).off("close", gone);
      resolve(isOpen);
    };
    const drained = settle(true);
    const gone = settle(false);
    stream.once("drain", drained).once("error", gone).once("close", gone);
  });
}
