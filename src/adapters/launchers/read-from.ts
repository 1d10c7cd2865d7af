import { open } from "node:fs/promises";
import { fileError } from "../file-error.ts";

const READ_BYTES = 1 << 20;

/** Up to 1 MiB of a file from a place on; none where there is nothing yet. */
export async function readFrom(path: string, offset: number): Promise<Uint8Array> {
  try {
    const file = await open(path, "r");
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Uint8Array();
    throw fileError(path, error);
  }
}
