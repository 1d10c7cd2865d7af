import { expect, test } from "vitest";
import { licenceIn } from "./card-facts.ts";
import { generationConfig } from "./generation-config.ts";

const control = { ends: [7, 8], pad: 9 };

test("greedy without a file; the tokenizer's ends end a reply", () => {
  const { json, sampling } = generationConfig(undefined, control);
  expect(json).toEqual({ do_sample: false, eos_token_id: [7, 8], pad_token_id: 9 });
  expect(sampling).toEqual({ temperature: 0 });
});

test("a file's sampling and ends stay, the tokenizer's are added once", () => {
  const found = { do_sample: true, temperature: 0.6, top_p: 0.95, top_k: 20, eos_token_id: [8, 3], pad_token_id: 1 };
  const { json, eosIds, sampling } = generationConfig(found, control);
  expect(eosIds).toEqual([7, 8, 3]);
  expect(json).toMatchObject({ temperature: 0.6, pad_token_id: 1, do_sample: true });
  expect(sampling).toEqual({ temperature: 0.6, topP: 0.95, topK: 20 });
  expect(generationConfig({ eos_token_id: "x" }, control).eosIds).toEqual([7, 8]);
});

test.each([
  ["---\nlicense: apache-2.0\nx: y\n---\n", "apache-2.0"],
  ['---\nx: y\nlicense: "mit"\n---\n', "mit"],
  ["license: mit\n", null],
  ["---\nx: y\n---\nlicense: mit\n", null],
])("the licence of a card %#", (card, licence) => {
  expect(licenceIn(card)).toBe(licence);
});
