/**
 * @file Byte-pair encoding of short pieces, in numbers alone: no strings are made and no queue is kept. It looks at every
 * pair for each merge, so long pieces are another's work.
 */
import { BYTE_CHARACTERS } from "./byte-alphabet.ts";
import type { TokenizerParts } from "./tokenizer-parts.ts";

/** Ids and ranks are below this; two of them make a whole number that a double holds. */
const UNIT = 2 ** 20;

/**
 * The ids of a piece's bytes, merged: the pair learned first, the leftmost of equals, until none is left.
 *
 * @returns a function of at most a few dozen bytes; its time grows with their square.
 */
export function byteMerger({ vocabulary, merges }: TokenizerParts): (bytes: Uint8Array) => number[] {
  const idOf = (token: string): number => vocabulary.get(token) as number;
  const idOfByte = BYTE_CHARACTERS.map(idOf);
  // Of a pair that is listed twice the later place counts, as everywhere.
  const found = new Map(
    merges.map(([left, right], rank) => [idOf(left) * UNIT + idOf(right), rank * UNIT + idOf(left + right)]),
  );
  return (bytes) => {
    const ids = Array.from(bytes, (byte) => idOfByte[byte] as number);
    for (;;) {
      let least = Number.POSITIVE_INFINITY;
      let place = -1;
      for (let at = 0; at + 1 < ids.length; at++) {
        const merge = found.get((ids[at] as number) * UNIT + (ids[at + 1] as number));
        if (merge === undefined || merge >= least) continue;
        least = merge;
        place = at;
      }
      if (place === -1) return ids;
      ids.splice(place, 2, least % UNIT);
    }
  };
}
