/**
 * @file Bodies of requests, up to a size, taken from Node's own request: the web's, made for one JSON, costs more than the rest of
 * reading it. What is too large or not wanted is read to its end and dropped: a client that still sends when it is answered may
 * never hear the answer, and its connection would be ended under its next request.
 */
import type { IncomingMessage } from "node:http";
import { ApiError } from "./openai/api-error.ts";

/** More than this is not dropped: the connection ends. */
const MOST_DROPPED_BYTES = 64 << 20;

/**
 * The body as text; bytes that are no UTF-8 become U+FFFD.
 * @throws {ApiError} 413: more than so many bytes; 400: the client left before its end
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const leave = (): void => void request.off("data", take).off("end", end).off("close", gone).off("error", gone);
    const refuse = (): void => {
      leave();
      reject(new ApiError(413, `the body is larger than ${maxBytes} bytes`));
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) return refuse();
      chunks.push(chunk);
    };
    const end = (): void => {
      leave();
      resolve(
        Buffer.concat(chunks)
          .toString("utf8")
          .replace(/^\uFEFF/, ""),
      );
    };
    const gone = (): void => {
      leave();
      reject(new ApiError(400, "the body is not whole"));
    };
    if (Number(request.headers["content-length"]) > maxBytes) return refuse();
    request.on("data", take).on("end", end).on("close", gone).on("error", gone);
  });
}

/** Reads what nobody has read, and drops it. */
export function dropBody(request: IncomingMessage): Promise<void> {
  if (request.method === "GET" || request.method === "HEAD" || request.readableEnded || request.destroyed)
    return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const leave = (): void => {
      request.off("data", drop).off("end", leave).off("close", leave).off("error", leave);
      resolve();
    };
    const drop = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > MOST_DROPPED_BYTES) leave();
    };
    request.on("data", drop).on("end", leave).on("close", leave).on("error", leave).resume();
  });
}
