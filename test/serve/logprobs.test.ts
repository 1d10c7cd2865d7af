/** @file `logprobs` of `/v1/chat/completions`: the numbers against a softmax over the engine's own logits, and OpenAI's shape. */
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTokenSource } from "../../src/adapters/engine/engine-token-source.ts";
import { openEngine } from "../../src/adapters/engine/open-engine.ts";
import { readModelFolder } from "../../src/adapters/model-folder.ts";
import type { EmittedToken } from "../../src/decode/thinking-budget.ts";
import { batchedRuntime } from "../../src/decode/thinking-runtime.ts";
import { thinkingDelimiters } from "../../src/tokenize/thinking-delimiters.ts";
import { type RunningServer, serveForTest } from "./serve-demo.ts";

let server: RunningServer;
let client: OpenAI;
beforeAll(async () => {
  server = await serveForTest();
  client = new OpenAI({ baseURL: server.api, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server.stop());

const ask = (more: object = {}) => ({
  model: "demo-base",
  messages: [{ role: "user" as const, content: "62 a+36 b+27 c*5" }],
  thinking: { budgetTokens: 12 },
  logprobs: true,
  ...more,
});

test("each score is a softmax over the allowed ids of the logits at its place", async () => {
  const { config, tensors, tokenizer, style, chatTemplate } = await readModelFolder("models/demo-base");
  const [engine, other] = await Promise.all([0, 1].map(() => openEngine({ threads: 1, memoryBytes: 64 << 20 })));
  const delimiters = thinkingDelimiters(tokenizer, "Wait", style);
  const size = { slots: 2, contextTokens: 256, choosableIds: tokenizer.vocabularySize };
  try {
    const source = await openTokenSource(engine!, { config, tensors }, size);
    await other!.loadDecoder({ config, tensors }, size);
    const runtime = batchedRuntime(source, { delimiters, close: async () => undefined });
    const promptIds = chatTemplate.encodePrompt([{ role: "user", content: "7 a*3 b-2" }]);
    const plan = {
      delimiters,
      answerTokens: 12,
      setting: { mode: "think", budgetTokens: 10, waits: 1 } as const,
    };
    for (const temperature of [0, 1]) {
      const emitted: EmittedToken[] = [];
      const sampling = { temperature, key: "k" };
      const request = { ...plan, promptIds, sampling };
      const onEmit = (items: readonly EmittedToken[]) => emitted.push(...items);
      // Somebody who asks for no scores is decoded with it.
      const [generation, unscored] = await Promise.all([
        runtime.generate({ ...request, scoreTop: 20 }, { onEmit }),
        runtime.generate(request),
      ]);
      const { answerLogprob, ...same } = generation!;
      expect(same).toEqual(unscored);
      expect(answerLogprob).toBeLessThan(0);
      const answered = emitted.filter(({ part }) => part === "answer");
      expect(answered.length).toBeGreaterThan(2);
      expect(emitted.filter(({ part }) => part === "thinking").every(({ score }) => score === undefined)).toBe(true);
      for (const [place, item] of emitted.entries()) {
        if (item.part !== "answer") continue;
        const before = emitted.slice(0, place).map(({ token }) => token);
        await other!.truncate(0, 0);
        const [logits] = await other!.logits([{ slot: 0, ids: [...promptIds, ...before] }]);
        const barred = [delimiters.stopIds.thinkingEnd];
        const allowed = [...logits!.keys()].filter((id) => id < tokenizer.vocabularySize && !barred.includes(id));
        const total = allowed.reduce((sum, id) => sum + Math.exp(logits![id]!), 0);
        const share = (id: number): number => Math.log(Math.exp(logits![id]!) / total);
        // The engine's logits are within tens, so that neither way of summing loses more than the last digits of f64.
        expect(item.score!.logprob).toBeCloseTo(share(item.token), 10);
        const sorted = allowed.sort((a, b) => logits![b]! - logits![a]! || a - b).slice(0, 20);
        expect(item.score!.top.map(({ id }) => id)).toEqual(sorted);
        for (const { id, logprob } of item.score!.top) expect(logprob).toBeCloseTo(share(id), 10);
        if (temperature === 0) expect(item.token).toBe(sorted[0]);
      }
    }
  } finally {
    await engine!.close();
    await other!.close();
  }
});

test("the shape is OpenAI's; bytes make the content; whole and streamed say the same", async () => {
  const whole = await client.chat.completions.create(ask({ top_logprobs: 3, n: 2, temperature: 1, seed: 4 }));
  for (const { logprobs, message } of whole.choices) {
    const { content, refusal } = logprobs!;
    expect(refusal).toBeNull();
    const bytes = content!.flatMap((one) => one.bytes!);
    expect(new TextDecoder().decode(Uint8Array.from(bytes)).trim()).toBe(message.content);
    for (const { token, bytes: own, logprob, top_logprobs: top } of content!) {
      expect(new TextDecoder().decode(Uint8Array.from(own!))).toBe(token);
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top).toHaveLength(3);
      expect(top.map((one) => one.logprob)).toEqual(top.map((one) => one.logprob).sort((a, b) => b - a));
      expect(logprob).toBeLessThanOrEqual(top[0]!.logprob);
    }
  }
  const stream = await client.chat.completions.create({
    ...ask({ top_logprobs: 3, n: 2, temperature: 1, seed: 4 }),
    stream: true as const,
  });
  const told: OpenAI.Chat.ChatCompletionTokenLogprob[][] = [[], []];
  for await (const { choices } of stream)
    for (const { index, logprobs, delta } of choices) {
      if (delta.content === undefined) expect(logprobs).toBeUndefined();
      told[index]!.push(...(logprobs?.content ?? []));
    }
  expect(told).toEqual(whole.choices.map(({ logprobs }) => logprobs!.content));
});

test("without top_logprobs there is the token alone; without logprobs null", async () => {
  const alone = await client.chat.completions.create(ask());
  expect(alone.choices[0]!.logprobs!.content!.length).toBeGreaterThan(0);
  expect(alone.choices[0]!.logprobs!.content!.every(({ top_logprobs: top }) => top.length === 0)).toBe(true);
  const none = await client.chat.completions.create(ask({ logprobs: false }));
  expect(none.choices[0]!.logprobs).toBeNull();
  expect(none.choices[0]!.message.content).toBe(alone.choices[0]!.message.content);
});

test("of an answer that a stop ends, what the stop took is not told", async () => {
  const whole = await client.chat.completions.create(ask());
  const { content } = whole.choices[0]!.message;
  const stop = content!.slice(-1);
  const stopped = await client.chat.completions.create(ask({ stop }));
  const { message, logprobs } = stopped.choices[0]!;
  const told = logprobs!.content!.map(({ token }) => token).join("");
  expect(message.content).toBe(content!.slice(0, content!.indexOf(stop)).trimEnd());
  expect(told.trim().startsWith(message.content!)).toBe(true);
  expect(logprobs!.content!.length).toBeLessThan(whole.choices[0]!.logprobs!.content!.length);
});

test("what cannot be told is refused by name", async () => {
  for (const [more, param] of [
    [{ logprobs: undefined, top_logprobs: 3 }, "top_logprobs"],
    [{ top_logprobs: 21 }, "top_logprobs"],
    [{ logprobs: 5 }, "logprobs"],
  ] as const)
    await expect(client.chat.completions.create(ask(more as object))).rejects.toMatchObject({ status: 400, param });
  const body = { model: "demo-base", prompt: "1 a+2", logprobs: 2 };
  await expect(client.completions.create(body)).rejects.toMatchObject({ status: 400, param: "logprobs" });
});
