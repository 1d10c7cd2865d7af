import { inflateSync } from "node:zlib";

/** Inflates a zlib stream. Throws Node's error where it is damaged, or would exceed `maxBytes`. */
export function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return inflateSync(bytes, { maxOutputLength: maxBytes });
}
