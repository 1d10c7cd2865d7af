import { open } from "node:fs/promises";
import { fileError } from "../file-error.ts";
import type { FileLine } from "./read-lines.ts";

/** Where a line of a file lies. */
export type LinePlace = Pick<FileLine, "number" | "offset"> & { readonly sizeBytes: number };

/** One line of a file that was read before; fewer bytes where the file has become shorter. Throws "file-missing" and the like. */
export async function readLineAt(path: string, { number, offset, sizeBytes }: LinePlace) {
  try {
    const file = await open(path, "r");
    try {
      const bytes = Buffer.alloc(sizeBytes);
      const { bytesRead } = await file.read(bytes, 0, sizeBytes, offset);
      return { number, bytes: bytes.subarray(0, bytesRead) };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(path, error);
  }
}
