import { Readable } from "node:stream";
import { AppError } from "../../../core/errors.ts";

/** What a body is read from: once for each try. */
export interface UploadSource {
  readonly length: number;
  pieces(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A request's body on its way. */
export interface UploadBody {
  /** The bytes, a piece at a time as the connection takes them. */
  readonly stream: Readable;
  /** Aborts, with an error that may pass, once nothing was taken for so long. */
  readonly signal: AbortSignal;
  /** Ends the watch; to be called in any case. */
  end(): void;
}

const PIECE_BYTES = 64 * 1024;

/**
 * A body that is watched while it is sent: a limit on the whole would end every large upload over a slow line. The watch goes
 * on after the last piece, for what the machine still holds and for the answer.
 *
 * @param where whom it is sent to, for the message.
 */
export function uploadBody({ length, pieces }: UploadSource, silenceMs: number, where: URL): UploadBody {
  const silence = new AbortController();
  let taken = 0;
  const timer = setTimeout(() => silence.abort(silent({ where, taken, length, silenceMs })), silenceMs);
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces()) {
      taken += piece.length;
      yield piece;
      timer.refresh();
    }
  }
  return {
    stream: Readable.from(watched(), { objectMode: false, highWaterMark: PIECE_BYTES }),
    signal: silence.signal,
    end: () => clearTimeout(timer),
  };
}

/** Bytes that are in memory, a piece at a time. */
export function bytesSource(bytes: Uint8Array): UploadSource {
  return {
    length: bytes.length,
    *pieces() {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
    },
  };
}

interface Silence {
  readonly where: URL;
  readonly taken: number;
  readonly length: number;
  readonly silenceMs: number;
}

function silent({ where, taken, length, silenceMs }: Silence): AppError {
  const seconds = silenceMs / 1000;
  return new AppError("network", `${where.origin} took nothing for ${seconds} s (${taken} of ${length} bytes sent)`, {
    hint: "check the connection; what the hub has already is not sent again",
    data: { url: where.origin, taken, length },
    isRetryable: true,
  });
}
