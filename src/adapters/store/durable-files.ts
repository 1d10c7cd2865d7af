/**
 * @file The few file operations of the writers here that must be durable (fsync) or read by position, as a port, so that
 * tests can stand in a disk that fails. Whole files of the pipeline go through `../file-system.ts`.
 */
import { open, rename, unlink } from "node:fs/promises";

/** An open file, as far as the writers need it; `node:fs/promises` FileHandle fits. */
export interface OpenFile {
  write(data: Uint8Array, offset: number, length: number, position: number | null): Promise<{ bytesWritten: number }>;
  read(data: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  stat(): Promise<{ size: number }>;
  close(): Promise<void>;
}

/** Where files are opened, renamed and removed. */
export interface DurableFiles {
  open(path: string, flags: string): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

/** This machine's own files. */
export const nodeDurableFiles: DurableFiles = { open, rename, unlink };

/** Writes all of `data` (a single write may take less), at `position` or, when null, where the file stands. */
export async function writeFully(file: OpenFile, data: Uint8Array, position: number | null): Promise<void> {
  let done = 0;
  while (done < data.length) {
    const at = position === null ? null : position + done;
    const { bytesWritten } = await file.write(data, done, data.length - done, at);
    done += bytesWritten;
  }
}

/**
 * Makes files new or renamed in a folder survive a power cut. Where folders cannot be opened (Windows) it does nothing:
 * there the system sees to it.
 */
export async function syncFolder(path: string, files: DurableFiles): Promise<void> {
  let folder: OpenFile;
  try {
    folder = await files.open(path, "r");
  } catch {
    return; // not possible on this system; the file itself is synced
  }
  await folder.sync().catch(() => undefined); // likewise
  await folder.close();
}
