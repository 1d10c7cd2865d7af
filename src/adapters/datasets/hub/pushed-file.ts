/** @file A file to push: read from the disk as it is sent, never whole in memory. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { fileError } from "../../file-error.ts";

/** A file, its hash known beforehand. */
export interface PushedFile {
  /** Its path in the data set or model. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Bytes from `start` up to `end`, which is not among them. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** A file that lies on this machine's disk at `place`. */
export function fileOnDisk(place: string, file: Pick<PushedFile, "path" | "size" | "sha256">): PushedFile {
  return {
    ...file,
    async *read(start, end) {
      if (end <= start) return;
      try {
        for await (const chunk of createReadStream(place, { start, end: end - 1 })) yield chunk as Buffer;
      } catch (error) {
        throw fileError(place, error);
      }
    },
  };
}

/** Bytes of a stretch, together. */
export async function bytesOf({ read }: PushedFile, start: number, end: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of read(start, end)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Git's hash of the file, by which the hub knows a small one. */
export async function gitHash({ size, read }: PushedFile): Promise<string> {
  const hash = createHash("sha1").update(`blob ${size}\0`);
  for await (const chunk of read(0, size)) hash.update(chunk);
  return hash.digest("hex");
}

/** A file that is in memory. */
export function fileInMemory(bytes: Uint8Array, { path, sha256 }: Pick<PushedFile, "path" | "sha256">): PushedFile {
  return {
    path,
    sha256,
    size: bytes.length,
    async *read(start, end) {
      yield bytes.subarray(start, end);
    },
  };
}
