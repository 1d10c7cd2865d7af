/** @file A `fetch` for client libraries that read whole answers: with a signal, a limit in time, and a limit in bytes. */
import { AppError } from "../../core/errors.ts";

/** Largest answer that is read as a whole. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Longest line of a stream. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const SILENCE_MS = 60_000;
const LINE_END = 10;

/** How an answer is read. */
export interface FetchBounds {
  readonly signal: AbortSignal;
  /** Whether it is read as it comes: then its lines are limited, and its length and time are not. */
  readonly isStream: boolean;
}

/** See the file's head. Reading what exceeds a limit throws AppError "provider-permanent". */
export function boundedFetch({ signal, isStream }: FetchBounds): typeof fetch {
  return async (input, init) => {
    const until = isStream ? signal : AbortSignal.any([signal, AbortSignal.timeout(SILENCE_MS)]);
    const response = await fetch(input, { ...init, signal: until });
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    const body = response.body.pipeThrough(limit(isStream));
    return new Response(body, { status, statusText, headers });
  };
}

function limit(isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  const most = isStream ? MAX_LINE_BYTES : MAX_ANSWER_BYTES;
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const end = isStream ? chunk.lastIndexOf(LINE_END) : -1;
      bytes = end < 0 ? bytes + chunk.length : chunk.length - end - 1;
      if (bytes > most) controller.error(new AppError("provider-permanent", `an answer of more than ${most} bytes`));
      else controller.enqueue(chunk);
    },
  });
}
