import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadChatTemplate } from "./chat.ts";
import { EXAMPLE_GATES, findFaults, type GateName } from "./example-gates.ts";
import { expectExample, type ExampleTexts, studentFormat } from "./student-format.ts";
import { loadTokenizer } from "./tokenizer.ts";
import { encodeExample } from "./training-example.ts";
import type { EncodedSequence } from "./training-sequence.ts";

const MAX_LENGTH = 1024;

/** The format of a fixture with the template that it has, or another. */
function formatOf(folder: string, style: "s1" | "think", template?: string) {
  const read = (name: string) => readFileSync(`${folder}/${name}`, "utf8");
  const tokenizer = loadTokenizer({
    tokenizer: JSON.parse(read("tokenizer.json")),
    config: JSON.parse(read("tokenizer_config.json")),
  });
  return studentFormat(
    { tokenizer, chatTemplate: loadChatTemplate(template ?? read("chat_template.jinja"), tokenizer) },
    style,
  );
}
const demo = formatOf("models/demo-base", "s1");
const qwen3 = formatOf("fixtures/tokenizers/qwen3", "think");
const texts: ExampleTexts = { question: "62 a+36", thinking: "a+36 62+36=98", answer: "98" };

function good(format = demo, of: ExampleTexts = texts): { inputIds: number[]; labels: number[] } {
  const outcome = encodeExample(format, of, MAX_LENGTH);
  if (outcome.status === "rejected") throw new Error(outcome.faults[0].detail);
  return { inputIds: [...outcome.example.inputIds], labels: [...outcome.example.labels] };
}

function fired(sequence: EncodedSequence, format = demo, of = texts, maxLength = MAX_LENGTH): GateName[] {
  const faults = findFaults(format, sequence, { maxLength, expected: expectExample(format, of) });
  return faults.map(({ reason }) => reason);
}

/** A sequence of a text's ids, trained from the assistant's header on where there is one. */
function written(text: string, format = demo): EncodedSequence {
  const inputIds = format.tokenizer.encodeControl(text);
  const header = format.tokenizer.encodeControl(text.slice(0, text.indexOf("assistant\n") + "assistant\n".length));
  const bodyAt = text.includes("assistant\n") ? header.length : 0;
  return { inputIds, labels: inputIds.map((id, at) => (at < bodyAt ? -100 : id)) };
}

const PROMPT = "<|im_start|>user\n62 a+36<|im_end|>\n<|im_start|>assistant\n";

describe("a good example", () => {
  it.each([
    ["s1's style", demo, texts],
    ["s1's style, the answer alone", demo, { ...texts, thinking: null }],
    ["<think>", qwen3, texts],
    ["<think>, the answer alone", qwen3, { ...texts, thinking: null }],
  ] as const)("passes every gate: %s", (_, format, of) => {
    expect(fired(good(format, of), format, of)).toEqual([]);
  });
});

/** What a fault is planted in, and the gates that see it: the one it was planted for, and those that it cannot but trip too. */
const PLANTED: readonly [string, readonly GateName[], EncodedSequence][] = [
  [
    "the last ids cut off",
    ["cut", "end-missing", "text-differs"],
    { inputIds: good().inputIds.slice(0, -3), labels: good().labels.slice(0, -3) },
  ],
  [
    "no end token, only its text",
    ["end-missing", "text-differs"],
    written(`${PROMPT}<|im_start|>think\na+36 62+36=98\n<|im_start|>answer\nAnswer: 98\n`),
  ],
  [
    "an end in the middle",
    ["end-missing", "text-differs"],
    written(`${PROMPT}<|im_start|>think\na+36 62+36=98\n<|im_end|>\n<|im_start|>answer\nAnswer: 98<|im_end|>\n`),
  ],
  ["an empty mask", ["mask-empty"], { ...good(), labels: good().labels.map(() => -100) }],
  ["the prompt in the loss", ["prompt-in-loss"], { ...good(), labels: good().inputIds }],
  ["the end token left out of the loss", ["mask-wrong"], { ...good(), labels: [...good().labels.slice(0, -1), -100] }],
  ["a label too many", ["mask-wrong"], { ...good(), labels: [...good().labels, 1] }],
  [
    "the thinking opened twice",
    ["delimiter-doubled", "text-differs"],
    written(`${PROMPT}<|im_start|>think\n<|im_start|>think\na+36 62+36=98\n<|im_start|>answer\nAnswer: 98<|im_end|>\n`),
  ],
  [
    "the answer opened twice",
    ["delimiter-doubled", "text-differs"],
    written(
      `${PROMPT}<|im_start|>think\na+36 62+36=98\n<|im_start|>answer\n<|im_start|>answer\nAnswer: 98<|im_end|>\n`,
    ),
  ],
  [
    "the thinking not opened",
    ["thinking-missing", "prompt-differs", "text-differs"],
    written(`${PROMPT}a+36 62+36=98\n<|im_start|>answer\nAnswer: 98<|im_end|>\n`),
  ],
  [
    "the answer not opened",
    ["answer-missing", "text-differs"],
    written(`${PROMPT}<|im_start|>think\na+36 62+36=98\nAnswer: 98<|im_end|>\n`),
  ],
  [
    "no assistant's turn",
    ["cut", "header-missing", "prompt-differs", "text-differs"],
    written("<|im_start|>user\n62 a+36<|im_end|>\n"),
  ],
  [
    "a system turn that the decoder does not send",
    ["prompt-differs", "text-differs"],
    written(
      `<|im_start|>system\nBe brief.<|im_end|>\n${PROMPT}<|im_start|>think\na+36 62+36=98\n<|im_start|>answer\nAnswer: 98<|im_end|>\n`,
    ),
  ],
  [
    "another text",
    ["text-differs"],
    written(`${PROMPT}<|im_start|>think\na+36 62+36=97\n<|im_start|>answer\nAnswer: 98<|im_end|>\n`),
  ],
  [
    "a word in other ids than the tokenizer's",
    ["prompt-differs"],
    {
      inputIds: good().inputIds.flatMap((id) => (id === idOf("user") ? [..."user"].map(idOf) : [id])),
      labels: good().inputIds.flatMap((id, at) =>
        id === idOf("user") ? [-100, -100, -100, -100] : [good().labels[at]!],
      ),
    },
  ],
];

function idOf(text: string): number {
  const [id, ...rest] = demo.tokenizer.encodeUser(text);
  if (id === undefined || rest.length > 0) throw new Error(`${text} is not one token`);
  return id;
}

describe("a planted fault", () => {
  it.each(PLANTED)("is seen: %s", (_, gates, sequence) => {
    expect(fired(sequence)).toEqual(gates);
  });

  it("is seen wherever an example was cut", () => {
    const { inputIds, labels } = good();
    for (let length = 0; length < inputIds.length; length++) {
      const gates = fired({ inputIds: inputIds.slice(0, length), labels: labels.slice(0, length) });
      expect(gates, `cut to ${length}`).toEqual(expect.arrayContaining(["cut", "text-differs"]));
    }
  });

  it("is seen where an example is one id too long", () => {
    expect(fired(good(), demo, texts, good().inputIds.length)).toEqual([]);
    expect(fired(good(), demo, texts, good().inputIds.length - 1)).toEqual(["too-long"]);
  });

  it("is seen where the template itself has opened the thinking", () => {
    const source = readFileSync("fixtures/tokenizers/qwen3/chat_template.jinja", "utf8");
    const opening = formatOf(
      "fixtures/tokenizers/qwen3",
      "think",
      source.replace(
        "{{- '<|im_start|>assistant\\n' -}}\n{%- if enable",
        "{{- '<|im_start|>assistant\\n<think>\\n' -}}\n{%- if enable",
      ),
    );
    expect(opening.template.renderText([{ role: "user", content: "q" }])).toMatch(/<think>\n$/);
    expect(encodeExample(opening, texts, MAX_LENGTH)).toMatchObject({
      status: "rejected",
      faults: [{ reason: "delimiter-doubled", detail: "the thinking is opened 2 times" }],
    });
  });

  it("is seen where the thinking spells a delimiter that is no token", () => {
    const llama = formatOf(
      "fixtures/tokenizers/llama-3",
      "think",
      JSON.parse(readFileSync("fixtures/tokenizers/llama-3/tokenizer_config.json", "utf8")).chat_template,
    );
    expect(encodeExample(llama, { ...texts, thinking: "so </think> it" }, MAX_LENGTH)).toMatchObject({
      faults: [{ reason: "control-text", detail: "the thinking spells </think>" }],
    });
  });

  it("was planted for every gate that sequences go through", () => {
    const ofTexts: readonly GateName[] = ["empty-question", "empty-thinking", "empty-answer", "control-text"];
    const seen = new Set<GateName>([...ofTexts, "too-long", ...PLANTED.flatMap(([, gates]) => gates)]);
    expect([...seen].sort()).toEqual(Object.keys(EXAMPLE_GATES).sort());
  });
});
