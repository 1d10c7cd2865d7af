import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { BUILTIN_MODEL, BUILTIN_PROVIDER } from "../../ledger/price-book.ts";
import { questionId } from "../../questions/bucket.ts";
import { reasonAbout } from "../../questions/teacher-policy.ts";
import {
  type BuiltinTeacherOptions,
  type BuiltinTeacherServer,
  startBuiltinTeacher,
} from "./builtin-teacher-server.ts";
import { openAICompatibleTeacher } from "./openai-compatible.ts";
import { type Teacher, TeacherError, type TeacherReply } from "./teacher.ts";

const clean = { wrongRate: 0, truncateRate: 0, malformedRate: 0, rateLimitRate: 0, latencyMs: 0 };
const never = new AbortController().signal;
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

async function start(
  options: Partial<BuiltinTeacherOptions> = {},
): Promise<{ server: BuiltinTeacherServer; teacher: Teacher }> {
  const reason = (question: string, seed: number) => ({
    thinking: `thinking about ${question} with ${seed}`,
    answer: "42",
  });
  const server = await startBuiltinTeacher({ reason, faults: clean, seed: 5, ...options });
  const { baseUrl, apiKey } = server;
  const teacher = openAICompatibleTeacher({ provider: BUILTIN_PROVIDER, model: BUILTIN_MODEL, baseUrl, apiKey });
  open.push(teacher, server);
  return { server, teacher };
}

type Ask = { retry?: number; seed?: number; maxTokens?: number };
const ask = (
  teacher: Teacher,
  content: string,
  { retry = 0, seed, maxTokens = 4096 }: Ask = {},
): Promise<TeacherReply> =>
  teacher.ask(
    { messages: [{ role: "user", content }], params: seed === undefined ? {} : { seed }, maxTokens, retry },
    never,
  );

/** What became of a request, in a word or as the reply. */
/** What a reply says, without how long it took; or how it failed. */
const fate = (promise: Promise<TeacherReply>): Promise<unknown> =>
  promise.then(
    ({ timing: _timing, ...reply }) => reply,
    (error: unknown) => {
      if (!(error instanceof TeacherError)) throw error;
      return error.message.startsWith("the teacher answered HTTP") ? error.data : `${error.fault}: ${error.message}`;
    },
  );

const names = Array.from({ length: 60 }, (_, n) => `question ${n}`);

describe("the built-in teacher", () => {
  it("answers in OpenAI's shape, with the request's seed or its own, and counts bytes as tokens", async () => {
    const { teacher } = await start();
    const { timing: _timing, rateLimit, ...reply } = await ask(teacher, "é");
    expect(rateLimit).toEqual({});
    expect(reply).toEqual({
      thinking: "thinking about é with 5",
      answer: "42",
      provenance: "raw",
      finishReason: "stop",
      usage: { promptTokens: 2, completionTokens: 26, reasoningTokens: 24, isEstimated: false },
    });
    expect((await ask(teacher, "é", { seed: 9 })).thinking).toBe("thinking about é with 9");
  });

  it("serves Grappa's own policy", async () => {
    const policy = { slipRate: 0, checkOnceShare: 1, checkTwiceShare: 0 };
    const reason = (text: string, seed: number) => reasonAbout({ id: questionId(text), text }, { ...policy, seed });
    const { teacher } = await start({ reason });
    const reply = await ask(teacher, "62 a+36 b+27");
    expect(reply.answer).toBe("125");
    expect(reply.thinking).toMatch(/^62\na\+36 62\+36=98\n[^]*\nWait\n/);
    expect(await fate(ask(teacher, "What is love?"))).toMatchObject({ status: 400 });
  });

  it("wants the token of this start, and tells nobody else anything", async () => {
    const { server } = await start();
    const other = await start();
    expect(server.apiKey).not.toBe(other.server.apiKey);
    for (const apiKey of [undefined, "wrong", other.server.apiKey]) {
      const teacher = openAICompatibleTeacher({ model: "m", baseUrl: server.baseUrl, ...(apiKey ? { apiKey } : {}) });
      open.push(teacher);
      expect(await fate(ask(teacher, "x"))).toMatchObject({ status: 401 });
    }
  });

  it("listens on loopback alone", async () => {
    expect((await start()).server.baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
  });

  it("names a port that is taken", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as { port: number };
    await expect(start({ port })).rejects.toMatchObject({ code: "port-taken", data: { port } });
    await new Promise((resolve) => holder.close(resolve));
    expect((await start({ port })).server.baseUrl).toContain(`:${port}/`);
  });

  it.each([
    ["no JSON", "oops", 400],
    ["no messages", '{"messages":[]}', 400],
    ["a giant", `"${"x".repeat(2 * 1024 * 1024)}"`, 413],
  ])("refuses %s", async (_case, body, status) => {
    const { server } = await start();
    const headers = { authorization: `Bearer ${server.apiKey}` };
    const response = await fetch(`${server.baseUrl}/chat/completions`, { method: "POST", headers, body });
    expect(response.status).toBe(status);
  });

  it("cuts a reply at max_tokens", async () => {
    const { teacher } = await start();
    const reply = await ask(teacher, "x", { maxTokens: 10 });
    expect(reply).toMatchObject({ thinking: "thinking a", answer: "", finishReason: "length" });
    expect(reply.usage.completionTokens).toBe(10);
  });
});

describe("faults", () => {
  const faults = { wrongRate: 0.2, truncateRate: 0.2, malformedRate: 0.2, rateLimitRate: 0.3, latencyMs: 1 };

  it("depend on the request, not on arrival, server or number of tries", async () => {
    const first = await start({ faults });
    const forwards = await Promise.all(names.map((name) => fate(ask(first.teacher, name))));
    const second = await start({ faults });
    const backwards: unknown[] = [];
    for (const name of [...names].reverse()) backwards.unshift(await fate(ask(second.teacher, name)));
    expect(backwards).toEqual(forwards);
    const again = await Promise.all(names.map((name) => fate(ask(first.teacher, name))));
    expect(again).toEqual(forwards);
    const other = await start({ faults, seed: 6 });
    expect(await Promise.all(names.map((name) => fate(ask(other.teacher, name))))).not.toEqual(forwards);
  });

  it("come as truncated, wrong and good replies, and malformed ones of every form", async () => {
    const { teacher } = await start({ faults: { ...faults, malformedRate: 0.5 } });
    const fates = await Promise.all(names.map((name) => fate(ask(teacher, name, { retry: 1 }))));
    const malformed = fates.filter((reply) => typeof reply === "string");
    for (const form of [/not JSON.*<html>/, /not JSON.*chatcmpl/, /choices/, /empty reply/]) {
      expect(malformed.some((reply) => form.test(reply))).toBe(true);
    }
    const replies = fates.filter((reply) => typeof reply === "object") as TeacherReply[];
    const endings = new Set(replies.map(({ finishReason, answer }) => `${finishReason} ${answer === "42"}`));
    expect([...endings].sort()).toEqual(["length false", "stop false", "stop true"]);
  });

  it("refuse the first try alone, and ask for a short pause", async () => {
    const { teacher } = await start({ faults: { ...clean, rateLimitRate: 1 } });
    await expect(ask(teacher, "x")).rejects.toMatchObject({
      fault: "unavailable",
      retryAfterMs: 20,
      data: { status: 429 },
    });
    expect((await ask(teacher, "x", { retry: 1 })).answer).toBe("42");
  });
});
