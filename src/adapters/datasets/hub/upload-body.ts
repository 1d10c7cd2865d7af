import { Readable } from "node:stream";
import { AppError } from "../../../core/errors.ts";

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
export function uploadBody(bytes: Uint8Array, silenceMs: number, where: URL): UploadBody {
  const silence = new AbortController();
  let taken = 0;
  const timer = setTimeout(() => silence.abort(silent({ where, taken, length: bytes.length, silenceMs })), silenceMs);
  function* pieces(): Generator<Uint8Array> {
    for (; taken < bytes.length; timer.refresh()) {
      const piece = bytes.subarray(taken, taken + PIECE_BYTES);
      taken += piece.length;
      yield piece;
    }
  }
  return {
    stream: Readable.from(pieces(), { objectMode: false, highWaterMark: PIECE_BYTES }),
    signal: silence.signal,
    end: () => clearTimeout(timer),
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
