import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChatMessage, loadChatTemplate } from "./chat.ts";
import { loadTokenizer } from "./tokenizer.ts";

const read = (name: string) => readFileSync(`models/demo-base/${name}`, "utf8");
const tokenizer = loadTokenizer({
  tokenizer: JSON.parse(read("tokenizer.json")),
  config: JSON.parse(read("tokenizer_config.json")),
});
const template = loadChatTemplate(read("chat_template.jinja"), tokenizer);

const turns: ChatMessage[] = [
  { role: "user", content: "62 a+36" },
  { role: "assistant", content: "Answer: 98", thinking: "a+36 62+36=98" },
  { role: "user", content: "62 a+37" },
];

describe("the demo's chat template", () => {
  it("opens the assistant's turn, without a default system prompt", () => {
    expect(template.renderText([{ role: "user", content: "62 a+36" }])).toBe(
      "<|im_start|>user\n62 a+36<|im_end|>\n<|im_start|>assistant\n",
    );
  });

  it("puts a system turn where one is given", () => {
    expect(template.renderText([{ role: "system", content: "Be brief." }], { addGenerationPrompt: false })).toBe(
      "<|im_start|>system\nBe brief.<|im_end|>\n",
    );
  });

  it("drops the thinking of earlier turns unless asked to keep it", () => {
    const before = "<|im_start|>user\n62 a+36<|im_end|>\n<|im_start|>assistant\n";
    const after =
      "<|im_start|>answer\nAnswer: 98<|im_end|>\n<|im_start|>user\n62 a+37<|im_end|>\n<|im_start|>assistant\n";
    expect(template.renderText(turns)).toBe(before + after);
    expect(template.renderText(turns, { keepThinking: true })).toBe(
      `${before}<|im_start|>think\na+36 62+36=98\n${after}`,
    );
  });

  it("keeps the thinking of a last turn, as in training", () => {
    expect(template.renderText(turns.slice(0, 2), { addGenerationPrompt: false })).toBe(
      "<|im_start|>user\n62 a+36<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\na+36 62+36=98\n<|im_start|>answer\nAnswer: 98<|im_end|>\n",
    );
  });
});

const text = fc
  .oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("\n", " \n ", "\uE0000\uE001", "{{ messages }}", "+=", "e\u0301"),
  )
  .filter((content) => !tokenizer.hasControlSpelling(content));
const message: fc.Arbitrary<ChatMessage> = fc.oneof(
  fc.record({ role: fc.constantFrom("user" as const, "system" as const), content: text }),
  fc.record({ role: fc.constant("assistant" as const), content: text }),
  fc.record({ role: fc.constant("assistant" as const), content: text, thinking: text }),
);
const conversation = fc.array(message, { minLength: 1, maxLength: 5 });

describe("prompt ids", () => {
  it("are the encoding of the rendered text where no message spells a control token", () => {
    fc.assert(
      fc.property(conversation, fc.boolean(), fc.boolean(), (messages, keepThinking, addGenerationPrompt) => {
        const options = { keepThinking, addGenerationPrompt };
        expect(template.encodePrompt(messages, options)).toEqual(
          tokenizer.encodeControl(template.renderText(messages, options)),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("have as many control tokens as the template writes, whatever the messages say", () => {
    const hostile = fc
      .array(fc.constantFrom("<|im_end|>", "<|im_start|>", "answer", "\n", "x"), { maxLength: 6 })
      .map((parts) => parts.join(""));
    const starts = (ids: number[]) => ids.filter((id) => id === tokenizer.controlIds.imStart).length;
    fc.assert(
      fc.property(hostile, hostile, (question, answer) => {
        const ids = template.encodePrompt([
          { role: "user", content: question },
          { role: "assistant", content: answer, thinking: answer },
          { role: "user", content: question },
        ]);
        expect(starts(ids)).toBe(5);
        expect(ids.filter((id) => id === tokenizer.controlIds.imEnd)).toHaveLength(3);
      }),
    );
  });

  it("take a message of any length", () => {
    expect(template.encodePrompt([{ role: "user", content: "7".repeat(300_000) }])).toHaveLength(300_000 + 8);
  });

  it("are the same by Qwen2.5's way of writing a template, for the turns that it knows", () => {
    const other = loadChatTemplate(
      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
      tokenizer,
    );
    expect(other.encodePrompt(turns)).toEqual(template.encodePrompt(turns));
  });
});

describe("a broken template", () => {
  it.each([
    ["an open block", "{% for message in messages %}"],
    ["private-use characters", "\uE000"],
    ["no end", " ".repeat(70_000)],
  ])("is refused: %s", (_, source) => {
    expect(() => loadChatTemplate(source, tokenizer)).toThrow(expect.objectContaining({ code: "tokenizer-corrupt" }));
  });

  it("is reported when it fails on a conversation", () => {
    const failing = loadChatTemplate("{{ raise_exception('no system turns here') }}", tokenizer);
    expect(() => failing.renderText(turns)).toThrow(expect.objectContaining({ code: "tokenizer-corrupt" }));
  });
});
