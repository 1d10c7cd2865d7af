import fc from "fast-check";
import { expect, test } from "vitest";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import { AnswerScores } from "./answer-scores.ts";
import { ReplyText } from "./reply-text.ts";

/** Tokens of any bytes: parts of characters, white space, nothing valid. */
const TOKENS = ["a", "b", " ", "\n", " a", "a ", "ab\n", "€", "ab"].map((text) => [...new TextEncoder().encode(text)]);
const BYTES = [...TOKENS, [0xe2], [0x82, 0xac], [0xe2, 0x82], [0xac, 0x61], [0xff], []];
const tokenizer = { bytesOf: (id: number) => Uint8Array.from(BYTES[id]!) } as Tokenizer;
const text = (bytes: readonly number[]): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));

function tell(ids: readonly number[], stops: readonly string[]) {
  const reply = new ReplyText(tokenizer, stops);
  const scores = new AnswerScores(tokenizer, reply);
  const pieces: { given: string; told: readonly number[] }[] = [];
  let content = "";
  const give = (given: string): void => {
    if (given === "") return;
    content += given;
    // The score of the k-th id is -k: so they are told apart.
    pieces.push({ given, told: scores.release().map(({ logprob }) => -logprob) });
  };
  ids.forEach((id, place) => {
    if (reply.isStopped) return;
    const before = reply.decodedLength;
    const given = reply.push(id);
    scores.add(id, { logprob: -place, top: [{ id, logprob: -place }] }, before);
    give(given);
  });
  give(reply.end());
  return { content, pieces, places: pieces.flatMap(({ told }) => told), isStopped: reply.isStopped };
}

test("the tokens that are told are, in order, the ones whose text was given out", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(BYTES.length - 1), { maxLength: 12 }),
      fc.array(fc.constantFrom("ab", "b", "a\n", "€a", "  "), { maxLength: 2 }),
      (ids, stops) => {
        const { content, places, isStopped } = tell(ids, stops);
        expect(places).toEqual([...places].sort((a, b) => a - b));
        expect(new Set(places).size).toBe(places.length);
        const told = text(places.flatMap((place) => BYTES[ids[place]!]!));
        if (isStopped) expect(told.trimStart().startsWith(content)).toBe(true);
        else expect(told.trim()).toBe(content);
        // Where tokens are whole characters, none at the ends is white space alone, or of what a stop cut off.
        if (ids.some((id) => id >= TOKENS.length)) return;
        for (const place of places.length === 0 ? [] : [places[0]!, places.at(-1)!])
          expect(text(BYTES[ids[place]!]!).trim()).not.toBe("");
      },
    ),
    { numRuns: 3000 },
  );
});

test("a character of several tokens comes with all of them, each with its own bytes", () => {
  const ids = [9, 10, 0];
  const { pieces } = tell(ids, []);
  expect(pieces).toEqual([
    { given: "€", told: [0, 1] },
    { given: "a", told: [2] },
  ]);
});

test("a token of which a stop cuts the end off is told, one that is all stop is not", () => {
  expect(tell([0, 6], ["b"]).places).toEqual([0, 1]);
  expect(tell([0, 1, 0], ["b"]).places).toEqual([0]);
});
