/** @file Talking to a student over real sockets: the student is the test's own, the server real. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ChatSession, ChatWatch } from "../../src/pipeline/services.ts";
import { EventReader, type ServerEvent } from "../../src/ui/api/event-reader.ts";
import { StudentChats } from "../../src/server/page/student-chats.ts";
import { ask } from "./ask.ts";
import { writeFakeRun } from "./fake-run.ts";
import { type ServedPage, servePage, TOKEN } from "./serve-page.ts";

/** A student whose replies end when the test says so. */
class FakeStudent {
  readonly log: string[] = [];
  readonly #ends = new Map<string, () => void>();

  readonly open = async (run: string): Promise<ChatSession> => {
    this.log.push(`open ${run}`);
    return {
      model: run,
      maxThinkingTokens: 1024,
      example: undefined,
      reply: (prompt, setting, watch) => this.#reply(`${prompt} ${setting.budgetTokens}/${setting.waits}`, watch),
      close: async () => void this.log.push(`close ${run}`),
    };
  };

  #reply(name: string, { signal, onPiece }: ChatWatch) {
    this.log.push(name);
    onPiece?.({ part: "thinking", text: "so <b>\u202e", isForced: false });
    onPiece?.({ part: "thinking", text: "Wait", isForced: true });
    return new Promise<Awaited<ReturnType<ChatSession["reply"]>>>((resolve, reject) => {
      const told = {
        thinking: "",
        answer: "",
        thinkingTokens: 2,
        answerTokens: 1,
        forcedTokens: 1,
        end: "natural" as const,
      };
      this.#ends.set(name, () => resolve(told));
      signal.addEventListener("abort", () => {
        this.log.push(`gave up ${name}`);
        reject(signal.reason as Error);
      });
    });
  }

  /** Ends a reply, once it has begun. */
  async end(name: string): Promise<void> {
    await until(() => this.#ends.has(name));
    this.#ends.get(name)?.();
    this.#ends.delete(name);
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 400) throw new Error("it does not come about");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

let folder: string;
let student: FakeStudent;
let server: ServedPage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-chat-"));
  student = new FakeStudent();
  server = await servePage(folder, student.open);
  for (const run of ["a-run", "b-run"]) writeFakeRun(join(folder, run));
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const question = (prompt: string, rest: object = {}) => ({ prompt, budgetTokens: 8, waits: 1, page: "one", ...rest });

function post(
  body: unknown,
  {
    run = "a-run",
    headers = {},
    signal,
  }: { run?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
) {
  return fetch(`${server.url}/api/runs/${run}/chat`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, origin: server.url, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function eventsOf(response: Response): Promise<ServerEvent[]> {
  return new EventReader().take(await response.text());
}

test("streams thinking, what was forced, and the end; the student is opened once", async () => {
  const first = await post(question("hello"));
  expect(first.headers.get("content-type")).toContain("text/event-stream");
  await student.end("hello 8/1");
  const events = await eventsOf(first);
  expect(events.map(({ type, data }) => [type, JSON.parse(data) as unknown])).toEqual([
    ["state", { is: "waiting" }],
    ["state", { is: "opening" }],
    ["state", { is: "thinking" }],
    ["piece", { part: "thinking", text: "so <b>\u202e", isForced: false }],
    ["piece", { part: "thinking", text: "Wait", isForced: true }],
    ["end", { thinkingTokens: 2, answerTokens: 1, forcedTokens: 1, end: "natural" }],
  ]);
  const second = await post(question("again", { budgetTokens: null, waits: 0 }));
  await student.end("again undefined/0");
  await eventsOf(second);
  const third = await post(question("other"), { run: "b-run" });
  await student.end("other 8/1");
  await eventsOf(third);
  expect(student.log).toEqual([
    "open a-run",
    "hello 8/1",
    "again undefined/0",
    "close a-run",
    "open b-run",
    "other 8/1",
  ]);
});

test("answers one at a time, of pages in turn", async () => {
  const asked = [question("a1"), question("a2"), question("a3"), question("b1", { page: "two" })];
  const replies = [];
  for (const one of asked) replies.push(await post(one));
  for (const name of ["a1", "b1", "a2", "a3"]) {
    await student.end(`${name} 8/1`);
  }
  await Promise.all(replies.map(eventsOf));
  expect(student.log).toEqual(["open a-run", "a1 8/1", "b1 8/1", "a2 8/1", "a3 8/1"]);
});

test("gives up a reply whose page leaves, waiting or under way, and goes on with the next", async () => {
  const leaving = new AbortController();
  const [first, second] = [await post(question("a1"), leaving), await post(question("a2"), leaving)];
  const third = await post(question("b1", { page: "two" }));
  await until(() => student.log.includes("a1 8/1"));
  leaving.abort();
  await expect(first.text()).rejects.toThrow();
  await expect(second.text()).rejects.toThrow();
  await student.end("b1 8/1");
  expect((await eventsOf(third)).at(-1)?.type).toBe("end");
  expect(student.log).toEqual(["open a-run", "a1 8/1", "gave up a1 8/1", "b1 8/1"]);
});

test("gives everything up and closes the student when the server ends", async () => {
  const replies = [await post(question("a1")), await post(question("a2"))];
  await until(() => student.log.includes("a1 8/1"));
  await server.close();
  expect(student.log).toEqual(["open a-run", "a1 8/1", "gave up a1 8/1", "close a-run"]);
  await Promise.allSettled(replies.map((reply) => reply.text()));
  server = await servePage(folder, student.open);
});

test("takes no question that is none, none of another site, none without the token, and no crowd", async () => {
  const status = async (body: unknown, options: Parameters<typeof post>[1] = {}) => (await post(body, options)).status;
  for (const bad of [
    "",
    "[]",
    "{",
    { prompt: "x" },
    question(""),
    question("x".repeat(20_001)),
    question("x", { waits: 9 }),
  ])
    expect(await status(bad), JSON.stringify(bad).slice(0, 50)).toBe(400);
  expect(await status("x".repeat(200_000))).toBe(400);
  expect(await status(question("x", { budgetTokens: -1 }))).toBe(400);
  expect(await status(question("x"), { run: "none" })).toBe(404);
  expect(await status(question("x"), { headers: { origin: "http://evil.example" } })).toBe(403);
  expect(await status(question("x"), { headers: { authorization: "Bearer no" } })).toBe(401);
  const silent = await ask(`${server.url}/api/runs/a-run/chat`, { authorization: `Bearer ${TOKEN}` }, "POST");
  expect([silent.status, silent.text]).toEqual([403, expect.stringContaining("must say where it comes from")]);
  expect(student.log).toEqual([]);
  const crowd = [];
  for (let at = 0; at < 26; at++) crowd.push(await post(question(`c${at}`)));
  const last = await crowd[25]!.text();
  expect(last).toMatch(/event: fault\ndata: .*24 questions wait/);
  for (const reply of crowd.slice(0, 25)) await reply.body?.cancel();
});

test("closes a student that nobody asks, and opens it again", async () => {
  const onFailure = (error: unknown): void => expect.unreachable(String(error));
  const chats = new StudentChats({ find: async (run) => run, open: student.open, idleMs: 10, onFailure });
  const listener = { signal: new AbortController().signal, onState: () => undefined, onPiece: () => undefined };
  for (const prompt of ["a", "b"]) {
    const reply = chats.reply("a-run", question(prompt), listener);
    await student.end(`${prompt} 8/1`);
    expect((await reply).end).toBe("natural");
    await until(() => student.log.at(-1) === "close a-run");
  }
  const gone = { ...listener, signal: AbortSignal.abort() };
  await expect(chats.reply("a-run", question("c"), gone)).rejects.toMatchObject({ code: "interrupted" });
  const after = chats.reply("a-run", question("d"), listener);
  await student.end("d 8/1");
  await after;
  await chats.close();
  const once = (prompt: string) => ["open a-run", `${prompt} 8/1`, "close a-run"];
  expect(student.log).toEqual([...once("a"), ...once("b"), ...once("d")]);
  await expect(chats.reply("a-run", question("e"), listener)).rejects.toMatchObject({ code: "interrupted" });
});

test("tells a page what opening the student failed at", async () => {
  const own = await servePage(folder);
  const reply = await fetch(`${own.url}/api/runs/a-run/chat`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, origin: own.url },
    body: JSON.stringify(question("x")),
  });
  expect((await eventsOf(reply)).at(-1)).toEqual({
    type: "fault",
    data: JSON.stringify({ code: "usage", message: "this test has no student", hint: null }),
  });
  await own.close();
  expect(own.failures).toEqual([]);
});
