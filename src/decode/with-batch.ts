import { AppError } from "../core/errors.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { ContinuousBatch } from "./continuous-batch.ts";
import type { Generation, RowRequest } from "./row.ts";
import type { TokenSource } from "./token-source.ts";

/** Decodes a row in company; one generation a setting. */
export type DecodeRow = (request: RowRequest) => Promise<readonly Generation[]>;

/**
 * Decodes on one source for as long as some work takes that asks for row after row, as trying again does. When it fails or the signal
 * aborts, everything that is under way is given up.
 *
 * @throws what the work throws; AppError "interrupted" on the signal
 */
export async function withBatch<T>(
  source: TokenSource,
  { delimiters, signal }: { readonly delimiters: ThinkingDelimiters; readonly signal: AbortSignal },
  work: (decode: DecodeRow) => Promise<T>,
): Promise<T> {
  const batch = new ContinuousBatch(source, delimiters);
  const end = (message: string): void =>
    batch.close(new AppError("interrupted", message, { cause: signal.reason, isRetryable: true }));
  // One listener for all: each of thousands of rows would add its own.
  const stop = (): void => end("decoding was interrupted");
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await work(async (row) => await batch.decode(row).done);
  } finally {
    signal.removeEventListener("abort", stop);
    end("another request of the work failed");
  }
}
