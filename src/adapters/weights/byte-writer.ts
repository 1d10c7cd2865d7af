/** @file A large file of bytes, written from front to back; it has its name only once it is whole. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError } from "../file-error.ts";
import { makeFolders } from "../make-folders.ts";

/** What was written. */
export interface WrittenBytes {
  readonly bytes: number;
  readonly sha256: string;
}

/** Writes bytes in their order. */
export type WriteBytes = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes a file under another name, always the same, so that what a kill leaves behind is written over by the next try; then
 * flushes it and gives it its name. Where `write` throws, nothing stays.
 *
 * @throws AppError "disk-full" and others that name the path.
 */
export async function writeBytes(path: string, write: (put: WriteBytes) => Promise<void>): Promise<WrittenBytes> {
  const partial = `${path}.part`;
  const hash = createHash("sha256");
  let length = 0;
  let handle: FileHandle | undefined;
  try {
    await makeFolders(dirname(path));
    const file = (handle = await open(partial, "w"));
    await write(async (bytes) => {
      hash.update(bytes);
      length += bytes.length;
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
    });
    await file.sync();
    await file.close();
    await rename(partial, path);
  } catch (error) {
    await handle?.close().catch(() => undefined); // it may be closed already; the first error is the one to report
    await rm(partial, { force: true }).catch(() => undefined);
    throw fileError(path, error);
  }
  return { bytes: length, sha256: hash.digest("hex") };
}
