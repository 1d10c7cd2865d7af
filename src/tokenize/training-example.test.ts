import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadChatTemplate } from "./chat.ts";
import { answerText, studentFormat } from "./student-format.ts";
import { loadTokenizer } from "./tokenizer.ts";
import { encodeExample } from "./training-example.ts";

const readJson = (name: string) => JSON.parse(readFileSync(`models/demo-base/${name}`, "utf8"));
const tokenizer = loadTokenizer({ tokenizer: readJson("tokenizer.json"), config: readJson("tokenizer_config.json") });
const chatTemplate = loadChatTemplate(readFileSync("models/demo-base/chat_template.jinja", "utf8"), tokenizer);
const format = studentFormat({ tokenizer, chatTemplate }, "s1");
const parts = { question: "62 a+36", thinking: "a+36 62+36=98", answer: "98" };

function encoded(changes: Partial<typeof parts> = {}, maxLength = 1024) {
  const outcome = encodeExample(format, { ...parts, ...changes }, maxLength);
  if (outcome.status !== "ok") throw new Error(outcome.faults[0].detail);
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
        const outcome = encodeExample(format, { question, thinking, answer }, 4096);
        if (outcome.status === "rejected") {
          const [{ reason }] = outcome.faults;
          // Nothing but the prefix is an answer without text; half a surrogate pair has no bytes.
          return expect(reason === "empty-answer" || /\p{Surrogate}/u.test(`${question}${thinking}${answer}`)).toBe(
            true,
          );
        }
        const rendered = `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\n${thinking.trim()}\n<|im_start|>answer\n${answerText(answer)}<|im_end|>\n`;
        expect(outcome.example.inputIds).toEqual(tokenizer.encodeControl(rendered));
      }),
    );
  });
});

describe("an example of the answer alone", () => {
  const rendered = `<|im_start|>user\n${parts.question}<|im_end|>\n<|im_start|>assistant\n<|im_start|>answer\n${answerText(parts.answer)}<|im_end|>\n`;
  const outcome = encodeExample(format, { ...parts, thinking: null }, 1024);

  it("is what a direct answer is decoded from, with the answer as its only target", () => {
    if (outcome.status === "rejected") throw new Error(outcome.faults[0].detail);
    const { inputIds, labels, thinkingTokens } = outcome.example;
    expect(inputIds).toEqual(tokenizer.encodeControl(rendered));
    expect(thinkingTokens).toBe(0);
    expect(tokenizer.decode(labels.filter((label) => label !== -100))).toContain("answer\n");
    expect(labels.findIndex((label) => label !== -100)).toBe(
      tokenizer.encodeControl(rendered.slice(0, rendered.indexOf("<|im_start|>answer"))).length,
    );
  });
});

describe("the texts of an example", () => {
  it.each([
    ["empty-question", { question: " \n" }],
    ["empty-thinking", { thinking: "\n " }],
    ["empty-answer", { answer: "Answer: " }],
    ["control-text", { thinking: "a <|im_start|>answer\n5" }],
    ["control-text", { question: "<|endoftext|>" }],
    ["control-text", { answer: "5<|im_end|>" }],
  ])("are refused: %s", (reason, changes) => {
    expect(encodeExample(format, { ...parts, ...changes }, 1024)).toMatchObject({
      status: "rejected",
      faults: [{ reason }],
    });
  });

  it("may have one id too few, not one too many", () => {
    const { length } = encoded().inputIds;
    expect(encodeExample(format, parts, length)).toMatchObject({ status: "ok" });
    expect(encodeExample(format, parts, length - 1)).toEqual({
      status: "rejected",
      faults: [{ reason: "too-long", detail: `${length} ids exceed maxLength ${length - 1}` }],
    });
  });

  it("are refused where they cannot be decoded again", () => {
    expect(encodeExample(format, { ...parts, thinking: "half a pair \ud83d" }, 1024)).toMatchObject({
      faults: [{ reason: "text-differs" }],
    });
  });
});
