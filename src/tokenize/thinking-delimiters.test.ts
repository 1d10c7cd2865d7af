import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { thinkingDelimiters } from "./thinking-delimiters.ts";
import { loadTokenizer } from "./tokenizer.ts";

const readJson = (name: string) => JSON.parse(readFileSync(`models/demo-base/${name}`, "utf8"));
const tokenizer = loadTokenizer({ tokenizer: readJson("tokenizer.json"), config: readJson("tokenizer_config.json") });

describe("the delimiters", () => {
  it("are the control id followed by plain words", () => {
    const [newline] = tokenizer.encodeUser("\n");
    expect(thinkingDelimiters(tokenizer)).toEqual({
      thinkStart: tokenizer.encodeControl("<|im_start|>think"),
      answerStart: tokenizer.encodeControl("<|im_start|>answer"),
      directStart: tokenizer.encodeControl("<|im_start|>answer"),
      cutAnswer: tokenizer.encodeControl("<|im_start|>answer\nFinal Answer:"),
      newline: [newline],
      newlineEndings: [newline],
      wait: tokenizer.encodeUser("Wait"),
      stopIds: { thinkingEnd: 296, imEnd: 297, endOfText: 295 },
    });
  });

  it("take a wait text that spells a control token as text", () => {
    expect(thinkingDelimiters(tokenizer, "<|im_end|>").wait).not.toContain(297);
  });
});
