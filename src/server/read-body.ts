/**
 * @file Bodies of requests, up to a size. What is too large or not wanted is read to its end and dropped: a client that still sends
 * when it is answered may never hear the answer, and its connection would be ended under its next request.
 */
import { ApiError } from "./openai/api-error.ts";

/** More than this is not dropped: the connection ends. */
const MOST_DROPPED_BYTES = 64 << 20;

const begun = new WeakSet<Request>();

/**
 * The whole body as text.
 * @throws {ApiError} 413: it is larger than `maxBytes`
 */
export async function readBody(request: Request, maxBytes: number): Promise<string> {
  begun.add(request);
  const told = request.headers.get("content-length");
  // Node holds a body to the length that it was announced with.
  if (told !== null && Number(told) <= maxBytes) return await request.text();
  const decoder = new TextDecoder();
  let text = "";
  const taken = await pieces(request, (piece, bytes) => {
    if (bytes <= maxBytes) text += decoder.decode(piece, { stream: true });
    else text = "";
  });
  if (taken > maxBytes) throw new ApiError(413, `the body is larger than ${maxBytes} bytes`);
  return text + decoder.decode();
}

/** Reads what nobody has read, and drops it. */
export async function dropBody(request: Request): Promise<void> {
  if (request.method === "GET" || request.method === "HEAD" || begun.has(request)) return;
  await pieces(request, () => undefined);
}

/** Gives each piece with the bytes so far, its own included; returns the bytes of all, or of as many as are taken. */
async function pieces(request: Request, take: (piece: Uint8Array, bytes: number) => void): Promise<number> {
  let bytes = 0;
  const reader = request.body?.getReader();
  if (reader === undefined) return bytes;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || bytes > MOST_DROPPED_BYTES) return bytes;
    bytes += value.byteLength;
    take(value, bytes);
  }
}
