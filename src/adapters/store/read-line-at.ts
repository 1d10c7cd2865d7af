import { open } from "node:fs/promises";
import { withFileError } from "../file-error.ts";
import type { FileLine } from "./read-lines.ts";

/** Where a line of a file lies. */
export type LinePlace = Pick<FileLine, "number" | "offset"> & { readonly sizeBytes: number };

/** One line of a file that was read before; fewer bytes where the file has become shorter. Throws "file-missing" and the like. */
export async function readLineAt(path: string, { number, offset, sizeBytes }: LinePlace) {
  return await withFileError(path, async () => {
    const file = await open(path, "r");
    try {
      const bytes = Buffer.alloc(sizeBytes);
      let done = 0;
      for (let read = 1; done < sizeBytes && read > 0; done += read)
        read = (await file.read(bytes, done, sizeBytes - done, offset + done)).bytesRead;
      return { number, bytes: bytes.subarray(0, done) };
    } finally {
      await file.close();
    }
  });
}
