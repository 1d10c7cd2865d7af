/** @file A request's body, taken from Node's own request: the web's, made for one JSON, costs more than the rest of reading it. */
import type { IncomingMessage } from "node:http";
import { ApiError } from "./openai/api-error.ts";

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
      request.resume(); // the rest goes nowhere, until the server's time for a request is over
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
