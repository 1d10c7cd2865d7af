/** @file GGUFs from their metadata to served models, with a module that stands in for node-llama-cpp. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importLlama } from "../src/adapters/runtimes/llama-module.ts";
import { type GgufOptions, openGguf } from "../src/adapters/runtimes/open-gguf.ts";
import { readModelFolder } from "../src/adapters/model-folder.ts";
import type { AppError } from "../src/core/errors.ts";
import { batchedRuntime } from "../src/decode/thinking-runtime.ts";
import { readFamilyConfig } from "../src/student/export/family-config.ts";
import { tokenizerMetadata } from "../src/student/export/gguf-tokenizer.ts";
import { buildTokenizer } from "../src/tokenize/build-tokenizer.ts";
import { readGgufTokenizer } from "../src/tokenize/gguf-parts.ts";
import { thinkingDelimiters } from "../src/tokenize/thinking-delimiters.ts";
import { loadTokenizer } from "../src/tokenize/tokenizer.ts";
import { fakeLlama } from "./fake-llama.ts";
import { fakeMachine } from "./fake-cli.ts";

interface Metadata {
  tokenizer: { ggml: Record<string, unknown>; chat_template?: unknown };
  grappa?: object;
}

/** What an export of a folder says of its tokenizer, as node-llama-cpp reads it. */
function exportedMetadata(folder: string) {
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const files = { tokenizer: JSON.parse(read("tokenizer.json")), config: JSON.parse(read("tokenizer_config.json")) };
  const chatTemplate: string = files.config.chat_template ?? read("chat_template.jinja");
  const tokenizer = loadTokenizer(files);
  const config = readFamilyConfig({ ...CONFIG, vocab_size: tokenizer.vocabularySize + 7 });
  const metadata: Metadata = { tokenizer: { ggml: {} } };
  for (const [key, { value }] of tokenizerMetadata({ ...files, chatTemplate }, config))
    if (key.startsWith("tokenizer.ggml.")) metadata.tokenizer.ggml[key.slice("tokenizer.ggml.".length)] = value;
    else metadata.tokenizer.chat_template = value;
  return { metadata, tokenizer };
}
const CONFIG = {
  model_type: "qwen2",
  hidden_size: 64,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
};

describe.each([
  "fixtures/tokenizers/qwen2.5",
  "fixtures/tokenizers/qwen3",
  "fixtures/tokenizers/llama-3",
  "models/demo-base",
])("the tokenizer that an export of %s carries", (folder) => {
  const { metadata, tokenizer } = exportedMetadata(folder);
  const own = buildTokenizer(readGgufTokenizer(metadata).parts);

  test("has the folder's ids, bytes and control tokens; padding rows are none of its ids", () => {
    expect(own.vocabularySize).toBe(tokenizer.vocabularySize);
    expect(own.bosText).toBe(tokenizer.bosText);
    expect(own.controlIds).toEqual(tokenizer.controlIds);
    expect(new Map(own.addedTokens)).toEqual(new Map(tokenizer.addedTokens));
    for (let id = 0; id < own.vocabularySize; id++) expect(own.bytesOf(id)).toEqual(tokenizer.bytesOf(id));
    const spellings = [...tokenizer.addedTokens.keys()].slice(0, 12);
    const piece = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 6 }),
      fc.constantFrom(...spellings, " 1234", "\n\n"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join("");
        expect(own.encodeUser(text)).toEqual(tokenizer.encodeUser(text));
        expect(own.encodeControl(text)).toEqual(tokenizer.encodeControl(text));
      }),
      { numRuns: 200 },
    );
  });
});

describe("a file whose tokenizer is not read", () => {
  const { metadata } = exportedMetadata("models/demo-base");
  const { ggml } = metadata.tokenizer;
  const tokens = ggml["tokens"] as string[];
  test.each<[string, object, RegExp]>([
    ["is SentencePiece's", { ggml: { ...ggml, model: "llama" } }, /tokenizer\.ggml\.model.*byte-level/],
    ["cuts text in another way", { ggml: { ...ggml, pre: "gpt-4o" } }, /tokenizer\.ggml\.pre.*neither qwen2/],
    ["has no template", { chat_template: undefined }, /chat_template: is missing/],
    ["has types for other tokens", { ggml: { ...ggml, token_type: [1] } }, /306 tokens, 1 types/],
    ["has a token twice", { ggml: { ...ggml, tokens: ["!", "!", ...tokens.slice(2)] } }, /"!" is there twice/],
    ["lacks a byte", { ggml: { ...ggml, tokens: ["\u2603", ...tokens.slice(1)] } }, /byte 33 has no token/],
    ["merges what is no pair", { ggml: { ...ggml, merges: ["a b c"] } }, /merges\.0: not a pair/],
    ["is no metadata at all", { ggml: null }, /tokenizer\.ggml/],
  ])("%s: refused, naming the field", (_, change, message) => {
    const changed = { ...metadata, tokenizer: { ...metadata.tokenizer, ...change } };
    expect(() => readGgufTokenizer(changed)).toThrow(message);
  });

  test("what Grappa's exports say beside it is heeded, and nothing else in its place", () => {
    const said = readGgufTokenizer({ ...metadata, grappa: { thinking_style: "think", nfc: false } });
    expect([said.style, said.parts.isNormalised]).toEqual(["think", false]);
    const unsaid = readGgufTokenizer(metadata);
    expect([unsaid.style, unsaid.parts.isNormalised]).toEqual([undefined, true]);
    expect(() => readGgufTokenizer({ ...metadata, grappa: { thinking_style: "loud" } })).toThrow(/thinking_style/);
  });
});

describe("opening", () => {
  const { metadata, tokenizer } = exportedMetadata("models/demo-base");
  const options = (llama: GgufOptions["llama"], change: Partial<GgufOptions> = {}): GgufOptions => ({
    path: "a.gguf",
    llama,
    threads: 1,
    slots: 8,
    ...change,
  });

  test("decodes by the state machine, and closes all that it opened", async () => {
    const { llama, open, contexts } = fakeLlama({ metadata, tokenizer });
    const model = await openGguf(options(llama, { contextTokens: 256 }));
    expect(contexts).toMatchObject([{ sequences: 8, contextSize: 257, experimentalKvCacheKeyType: "F32" }]);
    expect(model.style).toBe("s1");
    const delimiters = thinkingDelimiters(model.tokenizer, "Wait", model.style);
    const runtime = batchedRuntime(model.source, { delimiters, limits: model.limits, close: () => model.close() });
    const promptIds = model.chatTemplate.encodePrompt([{ role: "user", content: "1 a+2" }]);
    const setting = { mode: "think", budgetTokens: 20, waits: 0 } as const;
    const sampling = { temperature: 0, key: "" };
    const request = { promptIds, setting, delimiters, answerTokens: 4, sampling };
    const alone = await runtime.generate(request);
    const together = await Promise.all([0, 1, 2].map(() => runtime.generate(request)));
    expect(together).toEqual([alone, alone, alone]);
    expect(alone.thinkingIds.length).toBeLessThanOrEqual(20);
    expect(runtime.limits.join()).toMatch(/llama\.cpp's sums/);
    expect([...open]).toEqual(["llama", "model", "context"]);
    await runtime.close();
    expect([...open]).toEqual([]);
  });

  test("takes fewer slots where memory is short, and says which context would not fit at all", async () => {
    const short = fakeLlama({ metadata, tokenizer, mostSequences: 3 });
    const model = await openGguf(options(short.llama));
    expect(model.source.slots).toBe(2);
    expect(short.contexts.map(({ sequences }) => sequences)).toEqual([8, 4, 2]);
    const none = fakeLlama({ metadata, tokenizer, mostSequences: 0 });
    await expect(openGguf(options(none.llama))).rejects.toMatchObject({ code: "limit-exceeded" });
    expect([...none.open]).toEqual([]);
    const beyond = openGguf(options(none.llama, { contextTokens: 513 }));
    await expect(beyond).rejects.toMatchObject({ code: "limit-exceeded", data: { trainContextSize: 512 } });
  });

  test("refuses a file whose ids llama.cpp reads otherwise", async () => {
    const encodeUser = (text: string) => tokenizer.encodeUser(text).map((id, at) => (at === 3 ? id + 1 : id));
    const { llama, open } = fakeLlama({ metadata, tokenizer: { ...tokenizer, encodeUser } });
    await expect(openGguf(options(llama))).rejects.toMatchObject({
      code: "tokenizer-corrupt",
      hint: expect.stringContaining("--tokenizer FOLDER") as string,
    });
    expect([...open]).toEqual([]);
  });

  test("takes a folder's tokenizer in place of one that it does not read", async () => {
    const { llama } = fakeLlama({ metadata: {}, tokenizer });
    await expect(openGguf(options(llama))).rejects.toMatchObject({ code: "tokenizer-corrupt" });
    const model = await openGguf(options(llama, { tokenizerFolder: "models/demo-base" }));
    expect(model.tokenizerHash).toBe((await readModelFolder("models/demo-base")).tokenizerHash);
    await model.close();
  });
});

describe("without node-llama-cpp", () => {
  test("the error says how it is installed", async () => {
    const error = await importLlama(join(import.meta.dirname, "nowhere")).catch((cause: AppError) => cause);
    expect(error).toMatchObject({ code: "usage", message: expect.stringContaining("cannot be loaded from") as string });
    const { hint } = error as AppError;
    expect(hint).toMatch(/npm i --omit=optional node-llama-cpp@3\.22\.1 @node-llama-cpp\/\S+@3\.22\.1/);
  });

  test("commands name what is missing before they need it", async () => {
    const machine = await fakeMachine();
    expect(await machine.run("chat", "absent.gguf", "--prompt", "x")).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/no file at .*absent\.gguf/) as string,
    });
    const wrong = await machine.run(
      "chat",
      join(process.cwd(), "models/demo-base"),
      "--prompt",
      "x",
      "--context",
      "128",
    );
    expect(wrong.stderr).toContain("--context is for a GGUF");
  });
});
