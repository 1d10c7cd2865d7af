/**
 * @file Golden tests for the layouts of four model families. The files under fixtures/tokenizers were made here
 * (scripts/make-tokenizer-fixtures.mjs); the expected texts were written by hand, from what those models' documentation says.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadChatTemplate } from "./chat.ts";
import { type ExampleTexts, studentFormat } from "./student-format.ts";
import { thinkingDelimiters } from "./thinking-delimiters.ts";
import type { ThinkingStyle } from "./thinking-style.ts";
import { loadTokenizer } from "./tokenizer.ts";
import { encodeExample } from "./training-example.ts";

const FAMILIES = ["qwen2.5", "qwen3", "llama-3", "gemma"] as const;
type Family = (typeof FAMILIES)[number];
const FOLDER = "fixtures/tokenizers";

function open(family: Family) {
  const read = (name: string) => readFileSync(join(FOLDER, family, name), "utf8");
  const files = { tokenizer: JSON.parse(read("tokenizer.json")), config: JSON.parse(read("tokenizer_config.json")) };
  const tokenizer = loadTokenizer(files);
  const source: string = files.config.chat_template ?? read("chat_template.jinja");
  const library = new LibraryTokenizer(files.tokenizer, files.config) as unknown as {
    encode(text: string, options: object): { ids: number[] };
  };
  return {
    tokenizer,
    chatTemplate: loadChatTemplate(source, tokenizer),
    /** JavaScript's own encoder; wrong where JavaScript's white space is not Unicode's, and for the long s. */
    oracle: (text: string) => library.encode(text, { add_special_tokens: false }).ids,
  };
}
const opened = Object.fromEntries(FAMILIES.map((family) => [family, open(family)])) as Record<
  Family,
  ReturnType<typeof open>
>;

const QWEN_SYSTEM =
  "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n";
const CHATML = "<|im_start|>user\nWhat is 12 + 30?<|im_end|>\n<|im_start|>assistant\n";
const LLAMA =
  "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWhat is 12 + 30?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
const GEMMA = "<bos><start_of_turn>user\nWhat is 12 + 30?<end_of_turn>\n<start_of_turn>model\n";
const THOUGHT = "<think>\n12 + 30 = 42\n\nWait, yes.\n</think>\n\nAnswer: 42";
const S1_THOUGHT = "<|im_start|>think\n12 + 30 = 42\n\nWait, yes.\n<|im_start|>answer\nAnswer: 42";

/** What the library reads otherwise than transformers does; parity.jsonl has these. */
const DISPUTED = /[\u0085\ufeff\u017f]/u;

/** Family, style, the prompt, what is trained with thinking and without. */
const GOLDEN: readonly [Family, ThinkingStyle, string, string, string][] = [
  ["qwen2.5", "s1", QWEN_SYSTEM + CHATML, `${S1_THOUGHT}<|im_end|>\n`, "<|im_start|>answer\nAnswer: 42<|im_end|>\n"],
  ["qwen2.5", "think", QWEN_SYSTEM + CHATML, `${THOUGHT}<|im_end|>\n`, "<think>\n\n</think>\n\nAnswer: 42<|im_end|>\n"],
  ["qwen3", "s1", CHATML, `${S1_THOUGHT}<|im_end|>\n`, "<|im_start|>answer\nAnswer: 42<|im_end|>\n"],
  ["qwen3", "think", CHATML, `${THOUGHT}<|im_end|>\n`, "<think>\n\n</think>\n\nAnswer: 42<|im_end|>\n"],
  ["llama-3", "think", LLAMA, `${THOUGHT}<|eot_id|>`, "<think>\n\n</think>\n\nAnswer: 42<|eot_id|>"],
  ["gemma", "think", GEMMA, `${THOUGHT}<end_of_turn>\n`, "<think>\n\n</think>\n\nAnswer: 42<end_of_turn>\n"],
];

describe("a training example", () => {
  it.each(GOLDEN)("of %s in style %s", (family, style, prompt, withThinking, alone) => {
    const { tokenizer, oracle } = opened[family];
    const format = studentFormat(opened[family], style);
    const texts = { question: "What is 12 + 30?", answer: "42\n" };
    for (const [thinking, trained] of [
      ["\n12 + 30 = 42\n\nWait, yes. ", withThinking],
      [null, alone],
    ] as const) {
      const outcome = encodeExample(format, { ...texts, thinking }, 1000);
      if (outcome.status === "rejected") throw new Error(outcome.faults[0].detail);
      const { inputIds, labels } = outcome.example;
      expect(tokenizer.decode(inputIds)).toBe(prompt + trained);
      expect(tokenizer.decode(labels.filter((label) => label !== -100))).toBe(trained);
      expect(inputIds).toEqual(oracle(prompt + trained));
    }
  });

  it.each(["llama-3", "gemma"] as const)("of %s has no style of s1, and says which it has", (family) => {
    expect(() => studentFormat(opened[family], "s1")).toThrow(
      expect.objectContaining({ code: "usage", data: { style: "s1", possible: ["think"] } }),
    );
  });

  it.each(GOLDEN)("of %s in style %s has the ids of its whole text, whatever is in it", (family, style) => {
    const { tokenizer, oracle } = opened[family];
    const format = studentFormat(opened[family], style);
    const text = fc
      .array(fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("\n", "\n\n", "  ", " the", "123", "'s", ">")))
      .map((parts) => parts.join(""))
      .filter(
        (each) =>
          each.trim() !== "" &&
          !DISPUTED.test(each) &&
          !tokenizer.hasControlSpelling(each) &&
          !format.form.spelledIn(each),
      );
    fc.assert(
      fc.property(text, text, text, (question, thinking, answer) => {
        const outcome = encodeExample(format, { question, thinking, answer }, 100_000);
        if (outcome.status === "rejected") {
          const reasons = outcome.faults.map(({ reason }) => reason);
          // A text of nothing but "Answer:", or one that the tokenizer itself cannot give back (U+2581 in Gemma's).
          expect(reasons.every((reason) => ["empty-answer", "text-differs"].includes(reason))).toBe(true);
          return;
        }
        const { inputIds } = outcome.example;
        expect(inputIds).toEqual(oracle(tokenizer.decode(inputIds)));
      }),
      { numRuns: 60 },
    );
  });
});

describe("parity with tokenizers and Jinja2", () => {
  interface ParityRow extends ExampleTexts {
    readonly family: Family;
    readonly style: ThinkingStyle;
    readonly prompt: string;
    readonly ids: readonly number[];
  }
  const rows = readFileSync(join(FOLDER, "parity.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as ParityRow);

  it.each(GOLDEN)("of %s in style %s, on white space and letters that the languages dispute", (family, style) => {
    const format = studentFormat(opened[family], style);
    const own = rows.filter((row) => row.family === family && row.style === style);
    expect(own).toHaveLength(40);
    for (const { question, thinking, answer, prompt, ids } of own) {
      const rendered = format.template.renderText([{ role: "user", content: question }]);
      expect(format.tokenizer.normalise(rendered)).toBe(prompt);
      const outcome = encodeExample(format, { question, thinking, answer }, 100_000);
      expect(outcome, question).toMatchObject({ status: "ok", example: { inputIds: ids } });
    }
  });
});

describe("text from outside", () => {
  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "<|im_start|>",
          "</think>",
          "<think>",
          "<|eot_id|>",
          "<end_of_turn>",
          "<bos>",
          "<pad>",
          "<0x0A>",
        ),
        fc.constantFrom(
          "<|begin_of_text|>",
          "<tool_call>",
          "\n\n\n\n",
          "\t",
          "  ",
          "answer",
          "e\u0301",
          "zyzzyva",
          "1234",
        ),
        fc.string({ unit: "grapheme" }),
      ),
    )
    .map((parts) => parts.join(""));

  it.each(FAMILIES)("never gives a control id in %s, loses nothing, and is counted as it is encoded", (family) => {
    const { tokenizer } = opened[family];
    const controls = new Set(tokenizer.addedTokens.values());
    fc.assert(
      fc.property(hostile, (text) => {
        fc.pre(!text.includes("\u2581"));
        const ids = tokenizer.encodeUser(text);
        expect(ids.filter((id) => controls.has(id))).toEqual([]);
        expect(tokenizer.decode(ids)).toBe(tokenizer.normalise(text));
        expect(tokenizer.countUser(text)).toBe(ids.length);
      }),
    );
  });

  it.each(FAMILIES)("has the ordinary ids of %s where it spells no control token", (family) => {
    const { tokenizer, oracle } = opened[family];
    fc.assert(
      fc.property(hostile, (text) => {
        fc.pre(!tokenizer.hasControlSpelling(text) && !DISPUTED.test(text));
        expect(tokenizer.encodeUser(text)).toEqual(oracle(text));
      }),
    );
  });
});

describe("prompts", () => {
  const content = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom(" \n x ", "\u00a0a\t", "{{ 1 }}", ""));
  it.each(FAMILIES)("of %s are the ids of the text that a server makes of the conversation", (family) => {
    const { tokenizer, chatTemplate } = opened[family];
    fc.assert(
      fc.property(content, content, (question, answer) => {
        fc.pre(!tokenizer.hasControlSpelling(question + answer));
        const turns = [
          { role: "user", content: question },
          { role: "assistant", content: answer },
          { role: "user", content: question },
        ] as const;
        const options = { style: "think" } as const;
        expect(chatTemplate.encodePrompt(turns, options)).toEqual(
          tokenizer.encodeControl(chatTemplate.renderText(turns, options)),
        );
      }),
    );
  });

  it("read no clock", () => {
    const dated = loadChatTemplate(
      "{{ strftime_now('%Y') if strftime_now is defined else '26 Jul 2024' }}",
      opened["llama-3"].tokenizer,
    );
    expect(dated.renderText([])).toBe("26 Jul 2024");
  });

  it.each([
    ["opens no turn", "{% for turn in messages %}{{ turn.content }}<|im_end|>{% endfor %}"],
    [
      "never closes one",
      "{% for turn in messages %}{{ turn.content }}{% endfor %}{% if add_generation_prompt %}:{% endif %}",
    ],
  ])("are refused of a template that %s", (_, source) => {
    const { tokenizer } = opened.qwen3;
    expect(() => studentFormat({ tokenizer, chatTemplate: loadChatTemplate(source, tokenizer) }, "think")).toThrow(
      expect.objectContaining({ code: "tokenizer-corrupt" }),
    );
  });
});

describe("the decoder's delimiters", () => {
  it("are single tokens of Qwen3 in the style of <think>", () => {
    const { tokenizer } = opened.qwen3;
    const [open, close] = tokenizer.encodeControl("<think></think>");
    const blank = tokenizer.encodeUser("\n\n");
    expect(thinkingDelimiters(tokenizer, "Wait", "think")).toMatchObject({
      thinkStart: [open],
      answerStart: [close],
      directStart: [open, ...blank, close, ...blank],
      cutAnswer: tokenizer.encodeControl("</think>\n\nFinal Answer:"),
      stopIds: { thinkingEnd: close },
    });
  });

  it.each(["qwen2.5", "llama-3", "gemma"] as const)("are refused for %s, which has no such tokens", (family) => {
    expect(() => thinkingDelimiters(opened[family].tokenizer, "Wait", "think")).toThrow(
      expect.objectContaining({ code: "usage" }),
    );
  });
});

describe("padding", () => {
  it.each(FAMILIES)("of %s is no end token", (family) => {
    const { pad, imEnd, endOfText } = opened[family].tokenizer.controlIds;
    expect([imEnd, endOfText]).not.toContain(pad);
  });

  it("that is an end token is refused", () => {
    const read = (name: string) => JSON.parse(readFileSync(join(FOLDER, "qwen2.5", name), "utf8"));
    const tokenizer = read("tokenizer.json");
    tokenizer.added_tokens = tokenizer.added_tokens.filter(
      ({ content }: { content: string }) => content !== "<|fim_pad|>",
    );
    expect(() => loadTokenizer({ tokenizer, config: read("tokenizer_config.json") })).toThrow(
      expect.objectContaining({ code: "tokenizer-corrupt", data: { part: "tokenizer_config.json: pad_token" } }),
    );
  });
});

it("the fixtures are what their script writes", () => {
  const made = mkdtempSync(join(tmpdir(), "grappa-fixtures-"));
  try {
    execFileSync(process.execPath, ["scripts/make-tokenizer-fixtures.mjs", made]);
    for (const family of FAMILIES)
      for (const name of readdirSync(join(made, family)))
        expect(readFileSync(join(FOLDER, family, name), "utf8"), `${family}/${name}`).toBe(
          readFileSync(join(made, family, name), "utf8"),
        );
  } finally {
    rmSync(made, { recursive: true });
  }
});
