import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeDocument } from "./s1-format.ts";
import { thinkingDelimiters } from "./thinking-delimiters.ts";
import { loadTokenizer } from "./tokenizer.ts";

const readJson = (name: string) => JSON.parse(readFileSync(`models/demo-base/${name}`, "utf8"));
const tokenizer = loadTokenizer({ tokenizer: readJson("tokenizer.json"), config: readJson("tokenizer_config.json") });

describe("a document", () => {
  const body = (document: Parameters<typeof encodeDocument>[1]) => {
    const { inputIds, labels } = encodeDocument(tokenizer, document);
    const trained = labels.filter((label) => label !== -100);
    expect(inputIds.slice(inputIds.length - trained.length)).toEqual(trained);
    return tokenizer.decode(trained);
  };

  it("answers directly, or thinks and answers, or only thinks", () => {
    expect(body({ user: "q", thinking: null, answer: "98", isFinal: false })).toBe(
      "<|im_start|>answer\nAnswer: 98<|im_end|>\n",
    );
    expect(body({ user: "q", thinking: "T", answer: "98", isFinal: false })).toBe(
      "<|im_start|>think\nT\n<|im_start|>answer\nAnswer: 98<|im_end|>\n",
    );
    expect(body({ user: "q", thinking: "T", answer: null, isFinal: false })).toBe("<|im_start|>think\nT\n<|im_end|>\n");
  });

  it("answers with the very ids that a cut writes", () => {
    const { inputIds } = encodeDocument(tokenizer, { user: "q", thinking: "T", answer: "98", isFinal: true });
    const { newline, cutAnswer, thinkStart } = thinkingDelimiters(tokenizer);
    const atCut = [
      ...thinkStart,
      ...tokenizer.encodeUser("\nT"),
      ...newline,
      ...cutAnswer,
      ...tokenizer.encodeUser(" 98"),
    ];
    expect(inputIds.slice(-atCut.length - 2, -2)).toEqual(atCut);
  });
});
