import { invariant } from "../core/errors.ts";
import type { DecodeSession } from "../student/decode-session.ts";
import { chooseToken } from "./sampling.ts";
import { scoreToken, type TokenScore } from "./token-score.ts";
import type { ExtendRow, ScoredTokens } from "./token-source.ts";

/**
 * Appends each row's ids to its slot of a session and chooses its next token, by the contract of `TokenSource.extend`.
 *
 * @param choosableIds How many ids the tokenizer has: rows of the vocabulary past it are padding and never chosen.
 * @returns one id a row
 */
export function extendSession(session: DecodeSession, rows: readonly ExtendRow[], choosableIds: number): Int32Array {
  return chooseTokens(session, rows, choosableIds).tokens;
}

/** As {@link extendSession}, by the contract of `TokenSource.extendScored`. */
export function extendScoredSession(
  session: DecodeSession,
  rows: readonly ExtendRow[],
  choosableIds: number,
): ScoredTokens {
  const { tokens, logits } = chooseTokens(session, rows, choosableIds);
  const scores = rows.map(({ forbidden, scoreTop: top }, row): TokenScore | undefined =>
    top === undefined
      ? undefined
      : scoreToken(logits[row] as Float32Array, { token: tokens[row] as number, forbidden, top }),
  );
  return { tokens, scores };
}

function chooseTokens(session: DecodeSession, rows: readonly ExtendRow[], choosableIds: number) {
  const logits = session.extend(rows).map((row) => row.subarray(0, choosableIds));
  const tokens = Int32Array.from(rows, ({ slot, forbidden, sampling }, row) => {
    const values = logits[row];
    invariant(values, "one row of logits a row");
    return chooseToken(values, { ...sampling, forbidden, position: session.length(slot) });
  });
  return { tokens, logits };
}
