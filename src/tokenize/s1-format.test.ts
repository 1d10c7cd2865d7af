import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerText, encodeDocument, encodeExample, findFault, type EncodedSequence } from "./s1-format.ts";
import { thinkingDelimiters } from "./thinking-delimiters.ts";
import { loadTokenizer } from "./tokenizer.ts";

const readJson = (name: string) => JSON.parse(readFileSync(`models/demo-base/${name}`, "utf8"));
const tokenizer = loadTokenizer({ tokenizer: readJson("tokenizer.json"), config: readJson("tokenizer_config.json") });
const parts = { question: "62 a+36", thinking: "a+36 62+36=98", answer: "98" };

function encoded(changes: Partial<typeof parts> = {}, maxLength = 1024) {
  const outcome = encodeExample(tokenizer, { ...parts, ...changes }, maxLength);
  if (outcome.status !== "ok") throw new Error(outcome.detail);
  return outcome.example;
}

describe("an example", () => {
  it("has s1's text, encoded as AutoTokenizer would encode it", () => {
    const text =
      "<|im_start|>user\n62 a+36<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\na+36 62+36=98\n<|im_start|>answer\nAnswer: 98<|im_end|>\n";
    expect(tokenizer.decode(encoded().inputIds)).toBe(text);
    expect(encoded().inputIds).toEqual(tokenizer.encodeControl(text));
  });

  it("trains everything after the assistant's header and nothing before", () => {
    const { inputIds, labels } = encoded();
    const masked = tokenizer.encodeControl("<|im_start|>user\n62 a+36<|im_end|>\n<|im_start|>assistant\n").length;
    expect(labels.slice(0, masked)).toEqual(Array.from({ length: masked }, () => -100));
    expect(labels.slice(masked)).toEqual(inputIds.slice(masked));
    expect(tokenizer.decode(labels.slice(masked))).toMatch(/^<\|im_start\|>think\n.*<\|im_end\|>\n$/s);
  });

  it("counts thinking between the delimiters, newlines included", () => {
    expect(encoded().thinkingTokens).toBe(tokenizer.encodeUser("\na+36 62+36=98\n").length);
  });

  it("trims thinking and answer, and leaves the question alone", () => {
    const text = tokenizer.decode(encoded({ question: " 62 ", thinking: "\n\nT \n", answer: " 98\n" }).inputIds);
    expect(text).toBe(
      "<|im_start|>user\n 62 <|im_end|>\n<|im_start|>assistant\n<|im_start|>think\nT\n<|im_start|>answer\nAnswer:  98<|im_end|>\n",
    );
  });

  it.each([
    ["98", "Answer: 98"],
    ["So 98.\nAnswer: 98", "So 98.\nAnswer: 98"],
    ["Final Answer: 98 ", "Final Answer: 98"],
  ])("prefixes the answer %j once", (answer, text) => {
    expect(answerText(answer)).toBe(text);
  });

  it("holds for any text that spells no control token", () => {
    const text = fc
      .string({ unit: "grapheme" })
      .filter((value) => value.trim() !== "" && !tokenizer.hasControlSpelling(value));
    fc.assert(
      fc.property(text, text, text, (question, thinking, answer) => {
        const outcome = encodeExample(tokenizer, { question, thinking, answer }, 4096);
        if (outcome.status === "rejected") return expect(answer).toContain("Answer:");
        const rendered = `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\n${thinking.trim()}\n<|im_start|>answer\n${answerText(answer)}<|im_end|>\n`;
        expect(outcome.example.inputIds).toEqual(tokenizer.encodeControl(rendered));
      }),
    );
  });
});

describe("an example of the answer alone", () => {
  const rendered = `<|im_start|>user\n${parts.question}<|im_end|>\n<|im_start|>assistant\n<|im_start|>answer\n${answerText(parts.answer)}<|im_end|>\n`;
  const outcome = encodeExample(tokenizer, { ...parts, thinking: null }, 1024);

  it("is what a direct answer is decoded from, with the answer as its only target", () => {
    if (outcome.status === "rejected") throw new Error(outcome.detail);
    const { inputIds, labels, thinkingTokens } = outcome.example;
    expect(inputIds).toEqual(tokenizer.encodeControl(rendered));
    expect(thinkingTokens).toBe(0);
    expect(tokenizer.decode(labels.filter((label) => label !== -100))).toContain("answer\n");
    expect(labels.findIndex((label) => label !== -100)).toBe(
      tokenizer.encodeControl(rendered.slice(0, rendered.indexOf("<|im_start|>answer"))).length,
    );
  });

  it("is no example with thinking, nor the other way round", () => {
    const ids = tokenizer.encodeControl(rendered);
    const withThinking = encodeExample(tokenizer, parts, 1024);
    if (withThinking.status === "rejected") throw new Error(withThinking.detail);
    const gate = (sequence: EncodedSequence, hasThinking: boolean) =>
      findFault(tokenizer, sequence, { maxLength: 1024, hasThinking })?.reason;
    expect(gate({ inputIds: ids, labels: ids }, true)).toBe("thinking-missing");
    expect(gate(withThinking.example, false)).toBe("answer-missing");
  });
});

describe("the gates", () => {
  it.each([
    ["empty-question", { question: " \n" }],
    ["empty-thinking", { thinking: "\n " }],
    ["empty-answer", { answer: "Answer: " }],
    ["control-text", { thinking: "a <|im_start|>answer\n5" }],
    ["control-text", { question: "<|endoftext|>" }],
    ["control-text", { answer: "5<|im_end|>" }],
  ])("reject %s", (reason, changes) => {
    expect(encodeExample(tokenizer, { ...parts, ...changes }, 1024)).toMatchObject({ status: "rejected", reason });
  });

  it("reject one id too many and accept the last that fits", () => {
    const { length } = encoded().inputIds;
    expect(encodeExample(tokenizer, parts, length)).toMatchObject({ status: "ok" });
    expect(encodeExample(tokenizer, parts, length - 1)).toEqual({
      status: "rejected",
      reason: "too-long",
      detail: `${length} ids exceed maxLength ${length - 1}`,
    });
  });

  it("find every cut through a good example, at any place", () => {
    const { inputIds, labels } = encoded();
    expect(findFault(tokenizer, { inputIds, labels }, { maxLength: 1024 })).toBeNull();
    for (let length = 0; length < inputIds.length; length++) {
      expect(
        findFault(
          tokenizer,
          { inputIds: inputIds.slice(0, length), labels: labels.slice(0, length) },
          { maxLength: 1024 },
        ),
        `cut to ${length}`,
      ).not.toBeNull();
    }
  });

  it.each([
    ["mask-empty", (labels: number[]) => labels.fill(-100)],
    ["mask-wrong", (labels: number[], ids: readonly number[]) => labels.splice(0, 1, ids[0] as number)],
    ["mask-wrong", (labels: number[]) => labels.splice(-1, 1, -100)],
    ["mask-wrong", (labels: number[]) => labels.push(1)],
  ])("find a broken mask: %s", (reason, spoil) => {
    const { inputIds, labels } = encoded();
    const broken = [...labels];
    spoil(broken, inputIds);
    expect(findFault(tokenizer, { inputIds, labels: broken }, { maxLength: 1024 })?.reason).toBe(reason);
  });

  it("name the part that is missing", () => {
    const fault = (text: string) => {
      const inputIds = tokenizer.encodeControl(text);
      return findFault(tokenizer, { inputIds, labels: inputIds }, { maxLength: 1024 })?.reason;
    };
    expect(fault("<|im_start|>user\nq<|im_end|>\n")).toBe("header-missing");
    expect(fault("<|im_start|>assistant\n<|im_start|>answer\nA<|im_end|>\n")).toBe("thinking-missing");
    expect(fault("<|im_start|>assistant\n<|im_start|>think\nT<|im_end|>\n")).toBe("answer-missing");
    expect(fault("<|im_start|>assistant\n<|im_start|>think\nT\n<|im_start|>answer\nA")).toBe("end-missing");
  });
});

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
