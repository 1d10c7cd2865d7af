import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import {
  completion,
  type Script,
  type ScriptedServer,
  send,
  startScriptedServer,
} from "../../../test/teacher/scripted-server.ts";
import { AppError } from "../../core/errors.ts";
import { type OpenAICompatibleOptions, openAICompatibleTeacher, readApiKey } from "./openai-compatible.ts";
import { type Teacher, type TeacherRequest } from "./teacher.ts";
import { failure } from "../../../test/teacher/teacher-failure.ts";

const KEY = "sk-verysecret-0123456789abcdef";
const request: TeacherRequest = {
  messages: [{ role: "user", content: "1+1?" }],
  params: { temperature: 0.6, seed: 7 },
  maxTokens: 100,
  retry: 0,
};
const never = new AbortController().signal;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

async function connect(
  script: Script,
  options: Partial<OpenAICompatibleOptions> = {},
): Promise<{ teacher: Teacher; server: ScriptedServer }> {
  const server = await startScriptedServer(script);
  const teacher = openAICompatibleTeacher({ model: "m", baseUrl: server.baseUrl, apiKey: KEY, ...options });
  open.push(teacher, server);
  return { teacher, server };
}

describe("asking", () => {
  it("sends what OpenAI's API defines and returns the reply", async () => {
    const { teacher, server } = await connect((response) => send(response, completion("r", "2")));
    expect(await teacher.ask(request, never)).toMatchObject({
      thinking: "r",
      answer: "2",
      usage: { reasoningTokens: 15 },
    });
    const [seen] = server.requests;
    expect(seen.path).toBe("/v1/chat/completions");
    expect(seen.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(seen.headers["x-retry-count"]).toBeUndefined();
    expect(seen.body).toEqual({
      model: "m",
      messages: request.messages,
      max_tokens: 100,
      temperature: 0.6,
      seed: 7,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it("tells how often a request was sent before, and sends no key where there is none", async () => {
    const { server } = await connect((response) => send(response, completion("r", "2")));
    const teacher = openAICompatibleTeacher({ model: "m", baseUrl: `${server.baseUrl}/` });
    open.push(teacher);
    await teacher.ask({ ...request, retry: 3 }, never);
    expect(server.requests[0].path).toBe("/v1/chat/completions");
    expect(server.requests[0].headers["x-retry-count"]).toBe("3");
    expect(server.requests[0].headers.authorization).toBeUndefined();
  });

  it("takes a reply that drips slowly as long as it drips", async () => {
    const script: Script = async (response) => {
      for (const part of completion("rrrr", "2").match(/.{1,30}/gs) ?? []) {
        response.write(part);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      response.end();
    };
    const { teacher } = await connect(script, { limits: { idleTimeoutMs: 1500 } });
    expect((await teacher.ask(request, never)).thinking).toBe("rrrr");
  });

  it("keeps characters whole that fall on two packets", async () => {
    const bytes = Buffer.from(completion("é漢😀", "2"));
    const script: Script = async (response) => {
      for (const byte of bytes) {
        response.write(Buffer.of(byte));
        if (byte > 127) await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    };
    const { teacher } = await connect(script);
    expect((await teacher.ask(request, never)).thinking).toBe("é漢😀");
  });
});

describe("statuses", () => {
  it.each([
    [400, "row-refused", false],
    [401, "run-refused", false],
    [402, "run-refused", false],
    [403, "run-refused", false],
    [404, "run-refused", false],
    [408, "unavailable", true],
    [413, "row-refused", false],
    [422, "row-refused", false],
    [429, "unavailable", true],
    [500, "unavailable", true],
    [503, "unavailable", true],
    [529, "unavailable", true],
    [302, "run-refused", false],
  ] as const)("HTTP %i is %s", async (status, fault, isRetryable) => {
    const { teacher } = await connect((response) =>
      send(response, '{"error":"no"}', status, { location: "http://127.0.0.1:1/" }),
    );
    const error = await failure(teacher.ask(request, never));
    expect(error).toMatchObject({ fault, isRetryable, data: { status } });
    expect(error.code).toBe(isRetryable ? "provider" : "provider-permanent");
  });

  it("does not wait for an account without credit", async () => {
    const body = '{"error":{"code":"insufficient_quota"}}';
    const { teacher } = await connect((response) => send(response, body, 429));
    expect((await failure(teacher.ask(request, never))).fault).toBe("run-refused");
  });

  const now = Date.parse("2026-11-23T12:00:00Z");
  it.each([
    [{ "retry-after": "7" }, 7_000],
    [{ "retry-after": "1", "retry-after-ms": "20" }, 20],
    [{ "retry-after": "Mon, 23 Nov 2026 12:00:30 GMT" }, 30_000],
    [{ "retry-after": "Mon, 23 Nov 2026 11:00:00 GMT" }, 0],
    [{ "retry-after": "99999999" }, 600_000],
    [{ "retry-after": "soon" }, 0],
    [{ "retry-after": "-5" }, 0],
    [{}, 0],
  ])("reads %j", async (headers, expected) => {
    const { teacher } = await connect((response) => send(response, "", 429, headers as never), { now: () => now });
    expect((await failure(teacher.ask(request, never))).retryAfterMs).toBe(expected);
  });
});

describe("broken connections", () => {
  it("may have been paid when they break after the request was sent", async () => {
    const { teacher } = await connect((response) => void response.socket?.destroy());
    expect(await failure(teacher.ask(request, never))).toMatchObject({
      fault: "broken",
      code: "network",
      isRetryable: true,
    });
  });

  it("may have been paid when they break within the body", async () => {
    const script: Script = (response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"choices":', () => response.socket?.resetAndDestroy());
    };
    const { teacher } = await connect(script);
    expect((await failure(teacher.ask(request, never))).fault).toBe("broken");
  });

  it("cost nothing when nobody listens", async () => {
    const { teacher, server } = await connect(() => undefined);
    await server.close();
    const error = await failure(teacher.ask(request, never));
    expect(error).toMatchObject({ fault: "unavailable", code: "network", isRetryable: true });
    expect(error.message).toBe("the connection failed (ECONNREFUSED)"); // no port: it goes into records
    expect(error.hint).toContain("127.0.0.1");
  });

  it("end when the server never answers, or falls silent", async () => {
    const limits = { firstByteTimeoutMs: 500, idleTimeoutMs: 300 };
    const mute = await connect(() => undefined, { limits });
    expect(await failure(mute.teacher.ask(request, never))).toMatchObject({
      fault: "broken",
      message: "nothing came for 500 ms",
    });
    const stalls = await connect((response) => void response.write("{"), { limits });
    expect(await failure(stalls.teacher.ask(request, never))).toMatchObject({
      fault: "broken",
      message: "nothing came for 300 ms",
    });
  });

  it("are refused at once where no secure one can be had", async () => {
    const { server } = await connect(() => undefined);
    const teacher = openAICompatibleTeacher({ model: "m", baseUrl: server.baseUrl.replace("http:", "https:") });
    open.push(teacher);
    expect(await failure(teacher.ask(request, never))).toMatchObject({ fault: "run-refused", code: "network" });
  });
});

describe("bad bodies", () => {
  it("of giant size are cut off, not read", async () => {
    let made = 0;
    const blocks = function* (): Generator<Buffer> {
      for (; made < 1000; made++) yield Buffer.alloc(64 * 1024, "x");
    };
    const script: Script = (response) => pipeline(Readable.from(blocks()), response).catch(() => undefined);
    const { teacher } = await connect(script, { limits: { maxBodyBytes: 256 * 1024 } });
    const error = await failure(teacher.ask(request, never));
    expect(error).toMatchObject({ fault: "malformed" });
    expect(error.message).toContain("exceeds 262144 bytes");
    expect(made).toBeLessThan(500); // socket buffers take some megabytes beyond the limit, not all 64
  });

  it("of another kind are malformed, with an excerpt", async () => {
    const { teacher } = await connect((response) =>
      send(response, "<html>oops</html>", 200, { "content-type": "text/html" }),
    );
    expect((await failure(teacher.ask(request, never))).message).toContain("<html>oops</html>");
  });
});

describe("stopping", () => {
  it("ends a request in flight, which may have been paid", async () => {
    const controller = new AbortController();
    const { teacher } = await connect(() => controller.abort());
    expect(await failure(teacher.ask(request, controller.signal))).toMatchObject({
      fault: "interrupted",
      code: "interrupted",
    });
  });

  it("sends nothing any more", async () => {
    const { teacher, server } = await connect((response) => send(response, completion("r", "2")));
    expect((await failure(teacher.ask(request, AbortSignal.abort()))).fault).toBe("interrupted");
    expect(server.requests).toHaveLength(0);
  });
});

describe("the key", () => {
  const everything = (value: unknown): string =>
    inspect(value, { depth: 20, showHidden: true }) + JSON.stringify(value);

  it.each([
    ["an error", 401, `{"error":{"message":"Incorrect API key provided: ${KEY}."}}`],
    ["an error whose excerpt ends within the key", 400, `${"x".repeat(190)}${KEY}`],
    ["a malformed reply", 200, `{"key":"${KEY}"}`],
  ])("is nowhere in %s that echoes it", async (_case, status, body) => {
    const { teacher } = await connect((response) => send(response, body, status));
    const text = everything(await failure(teacher.ask(request, never)));
    expect(text).not.toContain(KEY.slice(0, 12));
    expect(text).toContain("[key");
  });

  it("is nowhere in a reply that echoes it, nor in the teacher, nor in a broken connection", async () => {
    const { teacher, server } = await connect((response) => send(response, completion(`the key is ${KEY}`, KEY)));
    expect(await teacher.ask(request, never)).toMatchObject({ thinking: "the key is [key]", answer: "[key]" });
    expect(everything(teacher)).not.toContain(KEY);
    await server.close();
    expect(everything(await failure(teacher.ask(request, never)))).not.toContain(KEY);
  });

  it("leaves words alone that stand in for a key where none is needed", async () => {
    const { teacher } = await connect((response) => send(response, completion("EMPTY set", "2")), { apiKey: "EMPTY" });
    expect((await teacher.ask(request, never)).thinking).toBe("EMPTY set");
  });

  it("comes from a variable, which is named when it is missing", () => {
    expect(readApiKey({ TEACHER_KEY: ` ${KEY}\n` }, "TEACHER_KEY")).toBe(KEY);
    expect(() => readApiKey({ TEACHER_KEY: " " }, "TEACHER_KEY")).toThrow("TEACHER_KEY is not set");
  });

  it("is not shown where it is given for the variable's name", () => {
    expect(() => readApiKey({}, KEY)).toThrow("is no such name");
    expect(() => readApiKey({}, KEY)).not.toThrow(KEY);
  });

  it("is refused, unseen, when no header can carry it", () => {
    const make = (): unknown =>
      openAICompatibleTeacher({ model: "m", baseUrl: "http://127.0.0.1/v1", apiKey: `${KEY}\r\nx: y` });
    expect(make).toThrow(AppError);
    expect(make).not.toThrow(KEY);
  });
});

describe("the URL", () => {
  it.each(["ftp://host/v1", "host/v1", "https://user:pass@host/v1", "https://host/v1?key=1", ""])(
    "%j is refused",
    (baseUrl) => {
      expect(() => openAICompatibleTeacher({ model: "m", baseUrl })).toThrow("baseUrl");
    },
  );
});
