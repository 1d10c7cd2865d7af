import { expect, test } from "vitest";
import type { ChatMessage } from "../../tokenize/chat.ts";
import { modelfile, type ModelfileFacts } from "./modelfile.ts";

const chatml = (messages: readonly ChatMessage[]): string =>
  `${messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join("")}<|im_start|>assistant\n`;
const facts: ModelfileFacts = {
  gguf: "s1-q8_0.gguf",
  contextTokens: 131_072,
  stops: ["<|im_end|>", "<|endoftext|>"],
  sampling: { temperature: 0.7, topP: 0.8, topK: 20 },
  render: chatml,
};
/** The text between the quotes after TEMPLATE. */
const templateOf = (text: string): string | undefined => /TEMPLATE """([^]*)"""/.exec(text)?.[1];

/** Go's template language as far as these templates use it. */
function goRender(template: string, messages: readonly ChatMessage[]): string {
  return template
    .replace(/\{\{ if ne \(index \.Messages 0\)\.Role "system" \}\}([^]*?)\{\{ end \}\}/, (_, text: string) =>
      messages[0]?.role === "system" ? "" : text,
    )
    .replace(/\{\{ range \.Messages \}\}([^]*?)\{\{ end \}\}/, (_, turn: string) =>
      messages
        .map(({ role, content }) => turn.replaceAll("{{ .Role }}", role).replaceAll("{{ .Content }}", content))
        .join(""),
    );
}

const CHATS: readonly (readonly ChatMessage[])[] = [
  [{ role: "user", content: "2+2?" }],
  [
    { role: "system", content: "Be short." },
    { role: "user", content: "2+2?" },
    { role: "assistant", content: "4" },
    { role: "user", content: "and 3+3?" },
  ],
];

test("names the file, what ends a reply, how to sample, and that budget forcing is not there", () => {
  const text = modelfile(facts);
  expect(text).toContain("FROM ./s1-q8_0.gguf\n");
  expect(text).toContain("PARAMETER num_ctx 32768\n");
  expect(text).toContain("PARAMETER temperature 0.7\nPARAMETER top_p 0.8\nPARAMETER top_k 20\n");
  expect(text).toContain('PARAMETER stop "<|im_end|>"\nPARAMETER stop "<|endoftext|>"\n');
  expect(text).toContain("Budget forcing");
  expect(text).toContain("is not in Ollama");
  expect(text).not.toMatch(/^SYSTEM/m);
});

test.each([
  ["ChatML", chatml],
  [
    "ChatML with a system message of its own",
    (messages: readonly ChatMessage[]) =>
      (messages[0]?.role === "system" ? "" : "<|im_start|>system\nYou are a student.<|im_end|>\n") + chatml(messages),
  ],
  [
    "Llama 3",
    (messages: readonly ChatMessage[]) =>
      `<|begin_of_text|>${messages.map(({ role, content }) => `<|start_header_id|>${role}<|end_header_id|>\n\n${content}<|eot_id|>`).join("")}<|start_header_id|>assistant<|end_header_id|>\n\n`,
  ],
])("%s: Ollama's template writes what the model's own does", (_, render) => {
  const template = templateOf(modelfile({ ...facts, render })) ?? "none";
  for (const chat of CHATS) expect(goRender(template, chat)).toBe(render(chat).replace("<|begin_of_text|>", ""));
});

test("a template of no known form gives none, and neither does one that would break out of Go's", () => {
  const strange = (messages: readonly ChatMessage[]): string =>
    messages.map(({ content }) => `[INST]${content}`).join("");
  const hostile = (messages: readonly ChatMessage[]): string =>
    `<|im_start|>system\n{{ .Secret }}"""<|im_end|>\n${chatml(messages)}`;
  const throwing = (): string => {
    throw new Error("roles must alternate");
  };
  for (const render of [strange, hostile, throwing]) {
    const text = modelfile({ ...facts, render });
    expect(templateOf(text)).toBeUndefined();
    expect(text).toContain("there is no TEMPLATE here");
  }
});

test("a stop that could end its line is left out", () => {
  expect(modelfile({ ...facts, stops: ['"\nSYSTEM x'] })).not.toContain("SYSTEM");
});
