import { invariant } from "../core/errors.ts";
import type { DecodeSession } from "../student/decode-session.ts";
import { chooseToken } from "./sampling.ts";
import type { ExtendRow } from "./token-source.ts";

/**
 * Appends each row's ids to its slot of a session and chooses its next token, by the contract of `TokenSource.extend`.
 *
 * @param choosableIds How many ids the tokenizer has: rows of the vocabulary past it are padding and never chosen.
 * @returns one id a row
 */
export function extendSession(session: DecodeSession, rows: readonly ExtendRow[], choosableIds: number): Int32Array {
  const logits = session.extend(rows);
  return Int32Array.from(rows, ({ slot, forbidden, sampling }, row) => {
    const values = logits[row]?.subarray(0, choosableIds);
    invariant(values, "one row of logits a row");
    return chooseToken(values, { ...sampling, forbidden, position: session.length(slot) });
  });
}
