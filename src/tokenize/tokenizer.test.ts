import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import { loadTokenizer } from "./tokenizer.ts";

const FOLDER = "models/demo-base";
const readJson = (name: string) => JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
const files = () => ({ tokenizer: readJson("tokenizer.json"), config: readJson("tokenizer_config.json") });
const tokenizer = loadTokenizer(files());
const whole = new LibraryTokenizer(files().tokenizer, files().config) as { encode(text: string): { ids: number[] } };

const tokensOf = (text: string) => tokenizer.encodeUser(text).map((id) => tokenizer.decode([id]));
/** Text that comes near control tokens from all sides. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "<|im_start|>",
        "<|im_end|>",
        "<|endoftext|>",
        "<|fim_pad|>",
        "<|",
        "|>",
        "im_start",
        "<|im_",
        "\n",
        " ",
        "answer",
        "e\u0301",
      ),
      fc.string({ unit: "grapheme" }),
    ),
  )
  .map((parts) => parts.join(""));
const plainText = fc.string({ unit: "grapheme", maxLength: 60 }).filter((text) => !tokenizer.hasControlSpelling(text));

describe("the demo's vocabulary", () => {
  it.each([
    "user",
    "assistant",
    "think",
    "answer",
    "Answer",
    "Wait",
    "Final",
    "puts",
    "+=",
    "-=",
    "*=",
    ":n",
    ":if",
    "(n",
    ")n",
  ])("has %s as one token", (text) => {
    expect(tokenizer.encodeUser(text)).toHaveLength(1);
  });

  it("keeps names, digits and signs apart in both families' notation", () => {
    expect(tokensOf("62 a+36 b+27 h-23").join("|")).toBe("6|2| |a|+|3|6| |b|+|2|7| |h|-|2|3");
    expect(tokensOf("n=62;a:n+=36;b:n*=5;c:if(n%2)n-=7;puts(n)").join("|")).toBe(
      "n|=|6|2|;|a|:n|+=|3|6|;|b|:n|*=|5|;|c|:if|(n|%|2|)n|-=|7|;|puts|(n|)",
    );
    expect(tokensOf("a:n+=36 62+36=98\nWait\n").join("|")).toBe("a|:n|+=|3|6| |6|2|+|3|6|=|9|8|\n|Wait|\n");
    expect(tokensOf("a+36 62+36:2+6+0=08,6+3+0=09,0+0+0=00>98").every((token) => token.length === 1)).toBe(true);
  });

  it("has dense ids, at most 352, with the four controls last", () => {
    expect(tokenizer.vocabularySize).toBe(299);
    expect(new Set(Array.from({ length: 299 }, (_, id) => tokenizer.decode([id]))).has("")).toBe(false);
    expect(tokenizer.controlIds).toEqual({ endOfText: 295, imStart: 296, imEnd: 297, pad: 298 });
  });

  it("is what its script writes", () => {
    const made = mkdtempSync(join(tmpdir(), "grappa-tokenizer-"));
    try {
      execFileSync(process.execPath, ["scripts/make-tokenizer.mjs", made]);
      const names = readdirSync(made);
      expect(names.sort()).toEqual([
        "chat_template.jinja",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
      ]);
      // generation_config.json is rewritten with the weights, from the same ids.
      for (const name of names)
        expect(readFileSync(join(FOLDER, name), "utf8"), name).toBe(readFileSync(join(made, name), "utf8"));
    } finally {
      rmSync(made, { recursive: true });
    }
  });
});

describe("encoding", () => {
  it("agrees with the library's own path from text to ids", () => {
    const property = (texts: fc.Arbitrary<string>, encode: (text: string) => number[]) =>
      fc.property(texts, (text) => {
        // There the library's white space is JavaScript's; model-families.test.ts has what transformers reads.
        fc.pre(!/[\u0085\ufeff\u017f]/u.test(text));
        expect(encode(text)).toEqual(whole.encode(text).ids);
      });
    fc.assert(property(plainText, tokenizer.encodeUser));
    fc.assert(property(hostileText, tokenizer.encodeControl));
  });

  it("gives the same ids the second time, from the cache", () => {
    const fresh = loadTokenizer(files());
    fc.assert(
      fc.property(plainText, (text) => {
        const first = fresh.encodeUser(text);
        expect(fresh.encodeUser(text)).toEqual(first);
      }),
    );
  });

  it("never gives a control id for text from outside, and loses nothing of it", () => {
    const controls = new Set(tokenizer.addedTokens.values());
    expect(controls.size).toBe(4);
    fc.assert(
      fc.property(hostileText, (text) => {
        const ids = tokenizer.encodeUser(text);
        expect(ids.filter((id) => controls.has(id))).toEqual([]);
        expect(tokenizer.decode(ids)).toBe(text.normalize("NFC"));
      }),
      { numRuns: 500 },
    );
  });

  it("reads control tokens where they are meant", () => {
    expect(tokenizer.encodeControl("<|im_start|>answer")).toEqual([296, ...tokenizer.encodeUser("answer")]);
    expect(tokenizer.splitControl("a<|im_end|>\n")).toEqual(["a", 297, "\n"]);
    expect(tokenizer.hasControlSpelling("a <|im_end|")).toBe(false);
    expect(tokenizer.hasControlSpelling("a <|im_end|>")).toBe(true);
  });

  it("composes accents first, as Qwen2's normaliser does", () => {
    expect(tokenizer.encodeUser("e\u0301")).toEqual(tokenizer.encodeUser("\u00e9"));
  });

  it("refuses a text without end", () => {
    expect(() => tokenizer.encodeUser("a".repeat((1 << 24) + 1))).toThrow(
      expect.objectContaining({ code: "limit-exceeded" }),
    );
  });
});

describe("decoding", () => {
  const idOfByte = (byte: number) =>
    Array.from({ length: 256 }, (_, id) => id).find((id) => tokenizer.bytesOf(id)[0] === byte) as number;

  it("has one id for each byte, and gives all bytes back", () => {
    const ids = Array.from({ length: 256 }, (_, byte) => idOfByte(byte));
    expect(new Set(ids).size).toBe(256);
    expect(ids.map((id) => [...tokenizer.bytesOf(id)])).toEqual(Array.from({ length: 256 }, (_, byte) => [byte]));
  });

  it.each([
    ["a whole sequence", [0xe2, 0x82, 0xac], "\u20ac"],
    ["a sequence cut short", [0xe2, 0x82], "\ufffd"],
    ["a stray byte between letters", [0x61, 0xff, 0x62], "a\ufffdb"],
    ["a byte order mark, kept", [0xef, 0xbb, 0xbf, 0x61], "\ufeffa"],
  ])("decodes %s", (_, bytes, text) => {
    expect(tokenizer.decode(bytes.map(idOfByte))).toBe(text);
  });

  it("spells control tokens and skips ids that no token has", () => {
    expect(tokenizer.decode([296, 64, 5000, 297])).toBe("<|im_start|>a<|im_end|>");
    expect(tokenizer.decode([])).toBe("");
  });
});

describe("a broken tokenizer", () => {
  type Files = ReturnType<typeof files>;
  const cases: readonly [string, (broken: Files) => void, string][] = [
    ["no vocabulary", ({ tokenizer: json }) => delete json.model.vocab, "tokenizer.json: model.vocab"],
    ["a missing byte", ({ tokenizer: json }) => delete json.model.vocab["\u0120"], "tokenizer.json: model.vocab"],
    [
      "a merge of unknown parts",
      ({ tokenizer: json }) => json.model.merges.push("q z"),
      "tokenizer.json: model.merges",
    ],
    [
      "a merge that is no pair",
      ({ tokenizer: json }) => json.model.merges.unshift("abc"),
      "tokenizer.json: model.merges.0",
    ],
    ["an id used twice", ({ tokenizer: json }) => (json.model.vocab.q = 3), "tokenizer.json"],
    [
      "a control token missing",
      ({ tokenizer: json }) => json.added_tokens.splice(1, 1),
      "tokenizer.json: added_tokens",
    ],
    [
      "another pre-tokenizer",
      ({ tokenizer: json }) => (json.pre_tokenizer.pretokenizers[0].pattern.Regex = "\\s+"),
      "tokenizer.json: pre_tokenizer.pretokenizers.0.pattern.Regex",
    ],
    ["another normaliser", ({ tokenizer: json }) => (json.normalizer.type = "Lowercase"), "tokenizer.json: normalizer"],
    [
      "a token outside the byte alphabet",
      ({ tokenizer: json }) => (json.model.vocab["\u20ac"] = 299),
      "tokenizer.json: model.vocab",
    ],
    [
      "a padding token that is no token",
      (broken) => {
        broken.config.pad_token = "<|gone|>";
        broken.tokenizer.added_tokens.pop();
      },
      "tokenizer.json: added_tokens",
    ],
    ["a configuration that is a list", (broken) => (broken.config = []), "tokenizer_config.json"],
  ];

  it.each(cases)("is refused by part: %s", (_, spoil, part) => {
    const broken = files();
    spoil(broken);
    try {
      loadTokenizer(broken);
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: "tokenizer-corrupt", data: { part } });
      return;
    }
    expect.unreachable("the tokenizer was accepted");
  });
});
