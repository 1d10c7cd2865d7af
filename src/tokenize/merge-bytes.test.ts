import { readFileSync } from "node:fs";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { expect, it } from "vitest";
import { BYTE_CHARACTERS } from "./byte-alphabet.ts";
import { byteMerger } from "./merge-bytes.ts";
import { loadTokenizer } from "./tokenizer.ts";
import { readTokenizerParts } from "./tokenizer-files.ts";

const read = (name: string) => JSON.parse(readFileSync(`models/demo-base/${name}`, "utf8"));

/** Files whose merges are drawn at random, each from tokens that there are by then. */
const files = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 }).map((draws) => {
  const tokens = [..."abc"];
  const merges: string[] = [];
  for (const [left, right] of draws) {
    const pair = [tokens[left % tokens.length]!, tokens[right % tokens.length]!];
    if (pair.join("").length > 8) continue;
    merges.push(pair.join(" "));
    tokens.push(pair.join(""));
  }
  const json = read("tokenizer.json");
  const vocabulary = [...new Set([...BYTE_CHARACTERS, ...tokens])];
  json.model = { ...json.model, vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])), merges };
  json.added_tokens = json.added_tokens.map((added: object, at: number) => ({ ...added, id: vocabulary.length + at }));
  return { tokenizer: json, config: read("tokenizer_config.json") };
});
const piece = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 100 });

it("merges as the library does, whatever the merges, and however long the piece", () => {
  fc.assert(
    fc.property(files, piece, (drawn, text) => {
      const library = new LibraryTokenizer(drawn.tokenizer, drawn.config) as unknown as {
        encode(text: string): { ids: number[] };
      };
      const { ids } = library.encode(text);
      expect(byteMerger(readTokenizerParts(drawn))(new TextEncoder().encode(text))).toEqual(ids);
      const tokenizer = loadTokenizer(drawn);
      expect(tokenizer.encodeUser(text)).toEqual(ids);
      expect(tokenizer.countUser(text)).toBe(ids.length);
    }),
    { numRuns: 300 },
  );
});
