import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { anthropicTeacher } from "../../src/adapters/teacher/anthropic.ts";
import { geminiTeacher } from "../../src/adapters/teacher/gemini.ts";
import type { HttpLimits } from "../../src/adapters/teacher/http-endpoint.ts";
import { openAIResponsesTeacher } from "../../src/adapters/teacher/openai-responses.ts";
import type { ClientOptions } from "../../src/adapters/teacher/provider-client.ts";
import type { Teacher, TeacherError, TeacherRequest } from "../../src/adapters/teacher/teacher.ts";
import { anthropicError, type FakeAnthropicOptions, startFakeAnthropic } from "./fakes/fake-anthropic.ts";
import { geminiError, startFakeGemini } from "./fakes/fake-gemini.ts";
import { responsesError, startFakeResponses } from "./fakes/fake-openai-responses.ts";
import { type Fault, sse, startTlsRefusal } from "./fakes/fault-server.ts";
import type { NativeFake, NativeFakeOptions, NativeReply } from "./fakes/native-fake.ts";
import { failure } from "./teacher-failure.ts";

const KEY = "key/planted-0123456789abcdef";
const THINKING = "Let é be 1. Wait, 漢 + 😀: no.\n".repeat(20).trim();
const never = new AbortController().signal;

interface Provider {
  readonly name: string;
  start(options: NativeFakeOptions & FakeAnthropicOptions): Promise<NativeFake>;
  open(options: ClientOptions): Teacher;
  readonly params: TeacherRequest["params"];
  /** What becomes of its reasoning. */
  readonly shown: Pick<NativeReply, "thinking"> & { readonly provenance: "summary" | "hidden" };
  /** Errors within a stream: overloaded, and a bad key. */
  readonly overload: string;
  /** Events of a stream that bring this text: as thinking, where it is shown, and as answer. */
  deltas(text: string): readonly string[];
  readonly withheld: readonly string[];
  error(status: number): string;
}

const PROVIDERS: readonly Provider[] = [
  {
    name: "Gemini",
    start: startFakeGemini,
    open: geminiTeacher,
    params: { temperature: 0.6, topP: 0.95, seed: 7, thinkingBudget: 4096 },
    shown: { thinking: THINKING, provenance: "summary" },
    overload: sse(geminiError(503, "UNAVAILABLE", "The model is overloaded.")),
    deltas: (text) =>
      [{ text, thought: true }, { text }].map((part) =>
        sse({ candidates: [{ index: 0, content: { role: "model", parts: [part] } }] }),
      ),
    withheld: ["RECITATION", "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "BLOCKED:OTHER"],
    error: (status) => geminiError(status, "ANY", "no"),
  },
  {
    name: "Anthropic",
    start: startFakeAnthropic,
    open: (options) => anthropicTeacher({ ...options, isThinking: true }),
    params: { topP: 0.95, thinkingBudget: 1024 },
    shown: { thinking: THINKING, provenance: "summary" },
    overload: sse(anthropicError("overloaded_error", "Overloaded"), "error"),
    deltas: (text) =>
      [
        { type: "thinking_delta", thinking: text },
        { type: "text_delta", text },
      ].map((delta) => sse({ type: "content_block_delta", index: 0, delta }, "content_block_delta")),
    withheld: ["refusal"],
    error: () => anthropicError("api_error", "no"),
  },
  {
    name: "OpenAI Responses",
    start: startFakeResponses,
    open: openAIResponsesTeacher,
    params: { topP: 0.95, effort: "high" },
    shown: { thinking: "", provenance: "hidden" },
    overload: sse({ type: "error", code: "rate_limit_exceeded", message: "slow down", param: null }, "error"),
    deltas: (delta) =>
      ["response.output_text.delta", "response.refusal.delta"].map((type) =>
        sse({ type, output_index: 0, delta }, type),
      ),
    withheld: ["refusal", "content_filter"],
    error: () => responsesError("server_error", "no"),
  },
];

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

describe.each(PROVIDERS)("$name", (provider) => {
  const { start, open: openTeacher, params, shown, overload, deltas, withheld, error, name } = provider;
  const request: TeacherRequest = {
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "1+1?" },
    ],
    params,
    maxTokens: 2000,
    retry: 0,
  };

  async function connect(
    fake: Partial<FakeAnthropicOptions> = {},
    options: Partial<ClientOptions> = {},
  ): Promise<{ teacher: Teacher; server: NativeFake }> {
    const reply = (): NativeReply => ({ thinking: THINKING, answer: "2" });
    const server = await start({ reply, apiKey: KEY, model: "m", ...fake });
    const common = { provider: "p", model: "m", baseUrl: server.baseUrl, apiKey: KEY };
    const teacher = openTeacher({ ...common, ...options });
    open.push(teacher, server);
    return { teacher, server };
  }
  const fails = async (fault: Fault, limits: Partial<HttpLimits> = {}): Promise<TeacherError> => {
    const { teacher } = await connect({ fault: () => fault }, { limits });
    return await failure(teacher.ask(request, never));
  };

  it.each([true, false])("replies; streamed: %s", async (isStreaming) => {
    const { teacher, server } = await connect({}, { isStreaming });
    const reply = await teacher.ask(request, never);
    expect(reply).toMatchObject({ ...shown, answer: "2", finishReason: "stop" });
    expect(reply.usage).toEqual({
      ...server.billed,
      requests: undefined,
      reasoningTokens: Math.ceil(THINKING.length / 4),
      isEstimated: false,
    });
    expect(reply.timing?.totalMs).toBeGreaterThanOrEqual(reply.timing?.firstTokenMs ?? Infinity);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.path).not.toContain("planted");
  });

  it.each([true, false])("says that the limit cut it, and what that cost; streamed: %s", async (isStreaming) => {
    const reply = (): NativeReply => ({ thinking: "t".repeat(4000), answer: "a".repeat(8000) });
    const { teacher, server } = await connect({ reply }, { isStreaming });
    expect(await teacher.ask(request, never)).toMatchObject({
      answer: "a".repeat(4000),
      finishReason: "length",
      usage: { completionTokens: 2000 },
    });
    expect(server.billed.completionTokens).toBe(2000);
  });

  it("keeps a reply that thought to its limit unseen: asking again would cost the same", async () => {
    const { teacher } = await connect({ reply: () => ({ thinking: "t".repeat(9000), answer: "2" }) });
    expect(await teacher.ask(request, never)).toMatchObject({ answer: "", finishReason: "length" });
  });

  it("without thinking tells that none came", async () => {
    const { teacher } = await connect({ reply: () => ({ answer: "2" }) });
    expect(await teacher.ask(request, never)).toMatchObject({ thinking: "", answer: "2", provenance: "hidden" });
  });

  it("without usage is estimated, and flagged", async () => {
    const { teacher } = await connect({ reply: () => ({ answer: "2", hasUsage: false }) });
    expect((await teacher.ask(request, never)).usage.isEstimated).toBe(true);
  });

  it.each(withheld)("withholds for good, and bills: %s", async (finish) => {
    for (const isStreaming of [true, false]) {
      const { teacher, server } = await connect({ reply: () => ({ answer: "no", finish }) }, { isStreaming });
      const refused = await failure(teacher.ask(request, never));
      const fault = finish.startsWith("BLOCKED") ? "row-refused" : "withheld";
      expect(refused).toMatchObject({ fault, code: "provider-permanent", isRetryable: false, mayBeBilled: true });
      expect(refused.usage?.promptTokens).toBe(server.billed.promptTokens);
    }
  });

  it.each(withheld)("may bill what it withholds uncounted, unless it blocked the prompt: %s", async (finish) => {
    for (const isStreaming of [true, false]) {
      const reply = (): NativeReply => ({ answer: "no", finish, hasUsage: false });
      const { teacher } = await connect({ reply }, { isStreaming });
      const { usage, mayBeBilled } = await failure(teacher.ask(request, never));
      expect([usage, mayBeBilled]).toEqual([null, !finish.startsWith("BLOCKED")]);
    }
  });

  it("is asked for whole replies where it does not stream, once for all", async () => {
    const { teacher, server } = await connect({ refusesStreams: true });
    for (let n = 0; n < 3; n++) expect((await teacher.ask(request, never)).answer).toBe("2");
    expect(server.requests).toHaveLength(4);
    expect(server.billed.requests).toBe(3);
  });

  it("is not asked a second time for what it refuses otherwise", async () => {
    const { teacher, server } = await connect({}, { model: "other" });
    expect((await failure(teacher.ask(request, never))).fault).toBe("run-refused");
    expect(server.requests).toHaveLength(1);
  });

  it("stops the run at a bad key", async () => {
    const { teacher } = await connect({}, { apiKey: "another-key-0123456789" });
    expect((await failure(teacher.ask(request, never))).fault).toBe("run-refused");
  });

  it.each<[string, (text: string) => Fault, string]>([
    ["400", (body) => ({ type: "status", status: 400, body }), "row-refused"],
    ["401", (body) => ({ type: "status", status: 401, body }), "run-refused"],
    ["402", (body) => ({ type: "status", status: 402, body }), "run-refused"],
    ["404", (body) => ({ type: "status", status: 404, body }), "run-refused"],
    ["429", (body) => ({ type: "status", status: 429, body }), "unavailable"],
    ["500", (body) => ({ type: "status", status: 500, body }), "unavailable"],
    ["503", (body) => ({ type: "status", status: 503, body }), "unavailable"],
    ["529", (body) => ({ type: "status", status: 529, body }), "unavailable"],
    ["a cut stream", () => ({ type: "cut", share: 0.4 }), "broken"],
    ["a stream that ends early in good order", () => ({ type: "short", share: 0.4 }), "broken"],
    ["a reset", () => ({ type: "reset" }), "broken"],
    ["silence", () => ({ type: "mute" }), "broken"],
    ["garbage in the stream", () => ({ type: "garbage", text: sse("{not json") }), "malformed"],
    ["another content type", () => ({ type: "content-type", contentType: "text/html", body: "<p>hi" }), "malformed"],
    ["malformed JSON", () => ({ type: "content-type", contentType: "application/json", body: '{"a":[' }), "malformed"],
    [
      "JSON of no known shape",
      () => ({ type: "content-type", contentType: "application/json", body: "[1]" }),
      "malformed",
    ],
    ["a stream of nothing", () => ({ type: "content-type", contentType: "text/event-stream", body: "\n" }), "broken"],
    ["a huge reply", () => ({ type: "huge", bytes: 4 * 1024 * 1024 }), "malformed"],
  ])("%s", async (status, faultOf, expected) => {
    const limits = { firstByteTimeoutMs: 500, idleTimeoutMs: 500, maxBodyBytes: 2 * 1024 * 1024 };
    expect((await fails(faultOf(error(Number(status))), limits)).fault).toBe(expected);
  });

  it.each(deltas("x".repeat(10_000)))("stops a reply that does not end, while it comes (%#)", async (event) => {
    let sentBytes = 0;
    const onSent = (bytes: number): void => void (sentBytes = bytes);
    const stopped = await fails({ type: "endless", event, bytes: 48 * 1024 * 1024, onSent });
    expect(stopped).toMatchObject({ fault: "malformed", usage: null });
    expect(stopped.message).toContain("exceeds 2500000 characters");
    expect(sentBytes).toBeLessThan(32 * 1024 * 1024);
  });

  it("an overload in its stream may pass: unbilled before the first text, in doubt after it", async () => {
    const alone = { type: "content-type", contentType: "text/event-stream", body: overload } as const;
    expect(await fails(alone)).toMatchObject({ fault: "unavailable" });
    const late = await fails({ type: "garbage", text: overload });
    expect(late.fault).toBe("broken");
  });

  it("drips as slowly as it likes, as long as it drips", async () => {
    const reply = (): NativeReply => ({ thinking: "short 漢", answer: "2" });
    const fake = { reply, fault: () => ({ type: "slow-loris", everyMs: 0 }) as const };
    const { teacher } = await connect(fake, { limits: { idleTimeoutMs: 1000 } });
    expect((await teacher.ask(request, never)).answer).toBe("2");
  });

  it("says when to come again and what is left", async () => {
    const headers = { "retry-after": "7", "x-ratelimit-remaining-requests": "0" };
    const refused = await fails({ type: "status", status: 429, body: error(429), headers });
    expect(refused).toMatchObject({ retryAfterMs: 7000, rateLimit: { remainingRequests: 0 } });
    const { teacher } = await connect({ headers: { "anthropic-ratelimit-tokens-remaining": "9" } });
    expect((await teacher.ask(request, never)).rateLimit).toEqual({ remainingTokens: 9 });
  });

  it("has no secure connection where none can be had", async () => {
    const server = await startTlsRefusal();
    const teacher = openTeacher({ provider: "p", model: "m", baseUrl: `${server.origin}/v1`, apiKey: KEY });
    open.push(teacher, server);
    expect(await failure(teacher.ask(request, never))).toMatchObject({ fault: "run-refused", code: "network" });
  });

  it("says its key back nowhere, however it is spelt", async () => {
    const { teacher } = await connect({ reply: () => ({ thinking: `it is ${KEY}`, answer: KEY }) });
    const said = await teacher.ask(request, never);
    expect(JSON.stringify(said)).not.toContain("planted");
    expect(said.answer).toBe("[key]");
    const escaped = KEY.replaceAll("/", "\\/");
    for (const fault of [
      { type: "status", status: 400, body: `bad key ${KEY}` },
      { type: "status", status: 400, body: `{"key":"${escaped}"}` },
      { type: "garbage", text: sse(`{"${KEY}`) },
      { type: "garbage", text: sse({ type: "error", error: { type: KEY, message: KEY } }) },
    ] as const) {
      const caught = await fails(fault);
      expect(inspect(caught, { depth: 20, showHidden: true }) + JSON.stringify(caught), name).not.toContain("planted");
    }
  });

  it("stops when told to", async () => {
    const controller = new AbortController();
    const { teacher } = await connect({
      fault: () => {
        controller.abort();
        return { type: "mute" };
      },
    });
    expect((await failure(teacher.ask(request, controller.signal))).fault).toBe("interrupted");
  });
});

describe("Gemini alone", () => {
  it("is asked for no thoughts where it is told not to think", async () => {
    const server = await startFakeGemini({ reply: () => ({ answer: "2" }), apiKey: KEY, model: "m" });
    const teacher = geminiTeacher({ provider: "p", model: "m", baseUrl: server.baseUrl, apiKey: KEY });
    open.push(teacher, server);
    const messages = [{ role: "user", content: "q" }] as const;
    const request = { messages, params: { thinkingBudget: 0 }, maxTokens: 99, retry: 0 };
    expect(await teacher.ask(request, never)).toMatchObject({ thinking: "", answer: "2", provenance: "hidden" });
  });

  it("writes the pause into its error", async () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.5s" }];
    const body = geminiError(429, "RESOURCE_EXHAUSTED", "quota", details);
    const fault = { type: "status", status: 429, body } as const;
    const server = await startFakeGemini({ reply: () => ({}), apiKey: KEY, model: "m", fault: () => fault });
    const teacher = geminiTeacher({ provider: "p", model: "m", baseUrl: server.baseUrl, apiKey: KEY });
    open.push(teacher, server);
    const request = { messages: [{ role: "user", content: "q" }], params: {}, maxTokens: 9, retry: 0 } as const;
    expect((await failure(teacher.ask(request, never))).retryAfterMs).toBe(34_500);
  });
});

describe("Anthropic alone", () => {
  const request: TeacherRequest = {
    messages: [{ role: "user", content: "1+1?" }],
    params: { thinkingBudget: 1024 },
    maxTokens: 2000,
    retry: 0,
  };
  async function connect(fake: Partial<FakeAnthropicOptions>): Promise<{ teacher: Teacher; server: NativeFake }> {
    const reply = (): NativeReply => ({ thinking: THINKING, answer: "2" });
    const server = await startFakeAnthropic({ reply, apiKey: KEY, model: "m", ...fake });
    const options = { provider: "p", model: "m", baseUrl: server.baseUrl, apiKey: KEY };
    const teacher = anthropicTeacher({ ...options, isThinking: true });
    open.push(teacher, server);
    return { teacher, server };
  }

  it("lets newer models choose how much they think, found out once, and asks for the summary that they leave out", async () => {
    const { teacher, server } = await connect({ isAdaptiveOnly: true });
    for (let n = 0; n < 3; n++)
      expect(await teacher.ask(request, never)).toMatchObject({ thinking: THINKING, provenance: "summary" });
    expect(server.requests).toHaveLength(4);
  });

  it("learns that from many requests at once, and refuses none of them for it", async () => {
    const { teacher } = await connect({ isAdaptiveOnly: true });
    const replies = await Promise.all(Array.from({ length: 16 }, () => teacher.ask(request, never)));
    expect(new Set(replies.map(({ thinking }) => thinking))).toEqual(new Set([THINKING]));
  });

  it("tells that encrypted thinking is hidden, and counts it", async () => {
    const { teacher } = await connect({ isRedacted: true });
    expect(await teacher.ask(request, never)).toMatchObject({
      thinking: "",
      provenance: "hidden",
      usage: { reasoningTokens: Math.ceil(THINKING.length / 4) },
    });
  });

  it("refuses a budget that leaves no answer before anything is sent", async () => {
    const { teacher, server } = await connect({});
    expect((await failure(teacher.ask({ ...request, maxTokens: 1024 }, never))).fault).toBe("run-refused");
    expect(server.requests).toHaveLength(0);
  });
});

describe("OpenAI Responses alone", () => {
  it("may have billed a response that failed after it was counted", async () => {
    const reply = (): NativeReply => ({ thinking: "t", answer: "2", finish: "failed" });
    const server = await startFakeResponses({ reply, apiKey: KEY, model: "m" });
    const teacher = openAIResponsesTeacher({ provider: "p", model: "m", baseUrl: server.baseUrl, apiKey: KEY });
    open.push(teacher, server);
    const request = { messages: [{ role: "user", content: "q" }], params: {}, maxTokens: 99, retry: 0 } as const;
    expect((await failure(teacher.ask(request, never))).fault).toBe("broken");
  });
});
