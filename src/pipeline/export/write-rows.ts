import { createHash } from "node:crypto";
import type { FileSystem } from "../../adapters/file-system.ts";

/** Length in bytes and SHA-256 (hexadecimal) of what was written. */
export interface WrittenRows {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes rows as lines of JSON, one after another: all together they may be longer than a text can be (512 MB in V8).
 * The file has its name only once it is whole. Throws what the file system throws.
 */
export async function writeRows(fs: FileSystem, path: string, rows: Iterable<unknown>): Promise<WrittenRows> {
  const hash = createHash("sha256");
  let bytes = 0;
  const writer = await fs.openWriter(path);
  try {
    for (const row of rows) {
      const line = `${JSON.stringify(row)}\n`;
      hash.update(line);
      bytes += Buffer.byteLength(line);
      await writer.write(line);
    }
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  await writer.close();
  return { bytes, sha256: hash.digest("hex") };
}
