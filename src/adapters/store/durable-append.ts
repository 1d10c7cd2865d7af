import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError } from "../file-error.ts";
import { nodeDurableFiles, syncFolder } from "./durable-files.ts";

const NEWLINE = 0x0a;

/**
 * Adds a line to a file that several processes may add to; resolves when it is on the disk. A line that a crash cut short is
 * ended first, so that it spoils none but itself. Throws "disk-full", "file-denied" and the like.
 */
export async function appendDurably(path: string, value: unknown): Promise<void> {
  try {
    const handle = await open(path, "a+");
    try {
      const { size } = await handle.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await handle.read(last, 0, 1, size - 1);
      const gap = size > 0 && last[0] !== NEWLINE ? "\n" : "";
      // One write to the end of the file: lines of two processes stand one after the other.
      await handle.writeFile(`${gap}${JSON.stringify(value)}\n`);
      await handle.sync();
      if (size === 0) await syncFolder(dirname(path), nodeDurableFiles);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(path, error);
  }
}
