/** @file What the decoder sends is what was trained: a model that says what it learned writes the very example again. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadChatTemplate } from "../tokenize/chat.ts";
import { studentFormat } from "../tokenize/student-format.ts";
import { thinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { loadTokenizer } from "../tokenize/tokenizer.ts";
import { encodeExample } from "../tokenize/training-example.ts";
import { generate } from "./generate.ts";
import type { TokenSource } from "./token-source.ts";

/** A model that has one sequence by heart: it chooses what follows there, and remembers what it was sent. */
function reciter(sequence: readonly number[]): { source: TokenSource; sent: number[] } {
  const sent: number[] = [];
  const source: TokenSource = {
    slots: 1,
    contextTokens: 4096,
    truncate: (_, length) => void (sent.length = Math.min(sent.length, length)),
    extend: (rows) => {
      for (const { ids } of rows) sent.push(...ids);
      return Promise.resolve(Int32Array.of(sequence[sent.length] ?? 0));
    },
  };
  return { source, sent };
}

describe.each([
  ["models/demo-base", "s1"],
  ["fixtures/tokenizers/qwen3", "s1"],
  ["fixtures/tokenizers/qwen3", "think"],
] as const)("the decoder of %s, style %s", (folder, style) => {
  const read = (name: string) => readFileSync(`${folder}/${name}`, "utf8");
  const tokenizer = loadTokenizer({
    tokenizer: JSON.parse(read("tokenizer.json")),
    config: JSON.parse(read("tokenizer_config.json")),
  });
  const format = studentFormat(
    { tokenizer, chatTemplate: loadChatTemplate(read("chat_template.jinja"), tokenizer) },
    style,
  );

  it.each([
    ["think", "a+36 62+36=98"],
    ["direct", null],
  ] as const)("recites an example in mode %s", async (mode, thinking) => {
    const question = " 62 a+36";
    const outcome = encodeExample(format, { question, thinking, answer: "98" }, 1024);
    if (outcome.status === "rejected") throw new Error(outcome.faults[0].detail);
    const { inputIds, thinkingTokens } = outcome.example;
    const { source, sent } = reciter(inputIds);
    const promptIds = format.template.encodePrompt([{ role: "user", content: question }]);
    const setting = { mode, budgetTokens: mode === "think" ? 1000 : 0, waits: 0 };
    const [generation] = await generate(
      source,
      [{ promptIds, setting, answerTokens: 64, sampling: { temperature: 0, key: "" } }],
      { delimiters: thinkingDelimiters(tokenizer, "Wait", style) },
    );
    // All but what follows the end of the turn, which nobody waits for.
    const untilEnd = inputIds.slice(0, inputIds.lastIndexOf(tokenizer.controlIds.imEnd) + 1);
    expect([...promptIds, ...generation!.ids]).toEqual(untilEnd);
    expect(sent).toEqual(untilEnd.slice(0, -1));
    expect(generation).toMatchObject({ answerFinish: "stop", end: mode === "think" ? "natural" : "direct" });
    expect(generation!.thinkingIds).toHaveLength(thinkingTokens);
  });
});
