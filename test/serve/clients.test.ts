import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import { execFile } from "node:child_process";
import OpenAI from "openai";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningServer, serveForTest } from "./serve-demo.ts";

const KEY = "test-key-1";
const QUESTION = "62 a+36 b+27 c*5";
let server: RunningServer;
let client: OpenAI;
beforeAll(async () => {
  server = await serveForTest({ keys: [KEY] });
  client = new OpenAI({ baseURL: server.api, apiKey: KEY, maxRetries: 0 });
});
afterAll(() => server.stop());

const ask = (more: object = {}) => ({
  model: "demo-base",
  messages: [{ role: "user" as const, content: QUESTION }],
  ...more,
});
type Thinking = { reasoning_content?: string };

describe("the openai client", () => {
  test("whole and streamed replies are the same, thinking apart from the answer, with usage", async () => {
    const whole = await client.chat.completions.create({ ...ask({ thinking: { budgetTokens: 24, waits: 1 } }) });
    const [choice] = whole.choices;
    expect(choice!.finish_reason).toBe("stop");
    expect(whole.usage!.completion_tokens_details!.reasoning_tokens).toBeLessThanOrEqual(24);
    expect(whole.usage!.total_tokens).toBe(whole.usage!.prompt_tokens + whole.usage!.completion_tokens);
    const stream = await client.chat.completions.create({
      ...ask({ thinking: { budgetTokens: 24, waits: 1 } }),
      stream: true,
      stream_options: { include_usage: true },
    });
    let [thinking, content, finish, usage] = ["", "", "", {}];
    for await (const chunk of stream) {
      const delta = (chunk.choices[0]?.delta ?? {}) as { content?: string } & Thinking;
      thinking += delta.reasoning_content ?? "";
      content += delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(content).toBe(choice!.message.content);
    expect(thinking).toBe((choice!.message as Thinking).reasoning_content);
    expect(thinking).not.toBe("");
    expect(finish).toBe("stop");
    // Asked before, its prompt was not computed again.
    const cached = { prompt_tokens_details: { cached_tokens: whole.usage!.prompt_tokens } };
    expect(usage).toEqual({ ...whole.usage, ...cached });
  });

  test("reasoning_effort none answers directly; low thinks at most its share", async () => {
    const none = await client.chat.completions.create({ ...ask(), reasoning_effort: "none" });
    expect(none.usage!.completion_tokens_details!.reasoning_tokens).toBe(0);
    const low = await client.chat.completions.create({ ...ask(), reasoning_effort: "low" });
    const { contextTokens } = server.model.runtime;
    expect(low.usage!.completion_tokens_details!.reasoning_tokens).toBeLessThanOrEqual(Math.floor(contextTokens / 8));
  });

  test("max_tokens cuts thinking and leaves the answer its reserve", async () => {
    const cut = await client.chat.completions.create({ ...ask({ thinking: { answerReserve: 8 } }), max_tokens: 12 });
    expect(cut.usage!.completion_tokens_details!.reasoning_tokens).toBeLessThanOrEqual(4);
    expect(cut.choices[0]!.message.content).not.toBe("");
  });

  test("a seed fixes samples, n gives several, and stop ends the answer before itself", async () => {
    const sampled = ask({ temperature: 1, n: 3, thinking: { budgetTokens: 16 } });
    const texts = async (seed: number) =>
      (await client.chat.completions.create({ ...sampled, seed })).choices.map(({ message }) =>
        JSON.stringify(message),
      );
    const one = await texts(7);
    expect(await texts(7)).toEqual(one);
    expect(await texts(8)).not.toEqual(one);
    expect(one).toHaveLength(3);
    const greedy = await client.chat.completions.create(ask({ thinking: { budgetTokens: 16 } }));
    const answer = greedy.choices[0]!.message.content!;
    const stop = answer.slice(-1);
    const stopped = await client.chat.completions.create({ ...ask({ thinking: { budgetTokens: 16 } }), stop: [stop] });
    expect(stopped.choices[0]!.message.content).toBe(answer.slice(0, answer.indexOf(stop)).trimEnd());
    expect(stopped.choices[0]!.finish_reason).toBe("stop");
  });

  test("a chat's next turn and the samples of one prompt start from what was computed before, and say so", async () => {
    const system = { role: "system" as const, content: "Answer in one number. Think about each step." };
    const said = { role: "user" as const, content: "8 a*2 b+1" };
    const thinking = { budgetTokens: 8 };
    const of = async (messages: OpenAI.Chat.ChatCompletionMessageParam[], more: object = {}) => {
      const reply = await client.chat.completions.create({ ...ask({ thinking, ...more }), messages });
      return { usage: reply.usage!, choices: reply.choices };
    };
    const reusedInAll = async (): Promise<number> => {
      const text = await (await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${KEY}` } })).text();
      return Number(/^grappa_reused_tokens_total (\d+)$/m.exec(text)![1]);
    };
    const first = await of([system, said]);
    const before = await reusedInAll();
    const answered = { role: "assistant" as const, content: first.choices[0]!.message.content };
    const next = await of([system, said, answered, { role: "user", content: "and c+4?" }]);
    const cached = next.usage.prompt_tokens_details!.cached_tokens!;
    expect(cached).toBeGreaterThanOrEqual(first.usage.prompt_tokens - 1);
    expect(cached).toBeLessThan(next.usage.prompt_tokens);
    expect(await reusedInAll()).toBe(before + cached);
    const other = { role: "user" as const, content: "999 z-1 y*7 x+3 w-2" };
    const samples = await of([other], { n: 3, temperature: 1, seed: 1 });
    // One of the three had to compute it; the two others had it whole.
    const opening = samples.usage.prompt_tokens_details!.cached_tokens!;
    expect(opening).toBeLessThan(samples.usage.prompt_tokens);
    expect(await reusedInAll()).toBe(before + cached + opening + 2 * samples.usage.prompt_tokens);
  });

  test("models, and completions", async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["demo-base"]);
    expect((await client.models.retrieve("demo-base")).id).toBe("demo-base");
    const chat = await client.chat.completions.create(ask({ thinking: { budgetTokens: 8 } }));
    const body = { model: "demo-base", prompt: QUESTION, thinking: { budgetTokens: 8 } };
    const plain = await client.completions.create(body);
    expect(plain.choices[0]!.text).toBe(chat.choices[0]!.message.content);
    let streamed = "";
    for await (const chunk of await client.completions.create({ ...body, stream: true }))
      streamed += chunk.choices[0]?.text ?? "";
    expect(streamed).toBe(plain.choices[0]!.text);
  });

  test("errors are the client's own classes, with code and field", async () => {
    const wrong = new OpenAI({ baseURL: server.api, apiKey: "wrong", maxRetries: 0 });
    await expect(wrong.chat.completions.create(ask())).rejects.toMatchObject({
      status: 401,
      code: "invalid_api_key",
      type: "authentication_error",
    });
    await expect(client.chat.completions.create({ ...ask(), model: "gpt-4" })).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
    for (const [more, param] of [
      [{ tools: [{ type: "function", function: { name: "f" } }] }, "tools"],
      [{ top_p: 0.5 }, "top_p"],
      [{ response_format: { type: "json_object" } }, "response_format"],
      [{ temperature: 9 }, "temperature"],
      [{ n: 1000 }, "n"],
      [{ thinking: { budgetTokens: -1 } }, "thinking.budgetTokens"],
      [{ thinking: { budget: 1 } }, "thinking"],
      [{ messages: [] }, "messages"],
      [{ messages: [{ role: "tool", content: "x", tool_call_id: "1" }] }, "messages.0.role"],
      [
        { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
        "messages.0.content",
      ],
      [{ thinking: { budgetTokens: 8, minTokens: 9 } }, "thinking.minTokens"],
    ] as const)
      await expect(client.chat.completions.create(ask(more)), JSON.stringify(more)).rejects.toMatchObject({
        status: 400,
        param,
        type: "invalid_request_error",
      });
  });
});

describe("the ai SDK", () => {
  const model = () =>
    createOpenAICompatible({ name: "grappa", baseURL: server.api, apiKey: KEY, includeUsage: true })("demo-base");

  test("whole and streamed, reasoning as reasoning", async () => {
    const whole = await generateText({ model: model(), prompt: QUESTION, maxRetries: 0, maxOutputTokens: 60 });
    expect(whole.finishReason).toMatch(/stop|length/);
    expect(whole.reasoningText).not.toBe("");
    const stream = streamText({ model: model(), prompt: QUESTION, maxRetries: 0, maxOutputTokens: 60 });
    expect(await stream.text).toBe(whole.text);
    expect(await stream.reasoningText).toBe(whole.reasoningText);
    expect((await stream.usage).outputTokens).toBe(whole.usage.outputTokens);
  });
});

describe("curl", () => {
  const run = promisify(execFile);
  test("a stream ends with [DONE]", async () => {
    const body = JSON.stringify({ ...ask({ thinking: { budgetTokens: 4 } }), stream: true });
    const args = ["-sN", `${server.api}/chat/completions`, "-H", `authorization: Bearer ${KEY}`];
    const { stdout } = await run("curl", [...args, "-H", "content-type: application/json", "-d", body]);
    const events = stdout.trim().split("\n\n");
    expect(events.at(-1)).toBe("data: [DONE]");
    expect(events.every((event) => event.startsWith("data: "))).toBe(true);
    expect(JSON.parse(events[0]!.slice(6)).object).toBe("chat.completion.chunk");
  });
});
