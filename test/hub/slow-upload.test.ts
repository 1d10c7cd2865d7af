/** @file An upload over a slow line: only silence ends it, however long it takes. The clock is the test's; the sockets are real. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HubHttp } from "../../src/adapters/datasets/hub/hub-http.ts";

const MEBIBYTE = 2 ** 20;
/** Many times what the sockets of both ends hold. */
const bytes = Buffer.alloc(32 * MEBIBYTE, "a line of an upload\n");
let server: Server;
let http: HubHttp;
let uploads: IncomingMessage[];
let answers: ServerResponse[];
let pauses: number;
let stopping: AbortController;

beforeEach(async () => {
  [uploads, answers, pauses] = [[], [], 0];
  stopping = new AbortController();
  server = createServer((request, response) => {
    uploads.push(request);
    answers.push(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sleep = async (): Promise<void> => {
    pauses += 1;
    stopping.abort();
  };
  http = new HubHttp({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: undefined,
    waiting: { seed: 0, sleep, now: () => 0 },
    signal: stopping.signal,
  });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await http.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const put = (): Promise<number> =>
  http.try(
    () => ({ url: http.url(["object"]), repo: "acme/set", body: bytes, method: "PUT" }),
    async (answer) => (answer.drop(), answer.status),
  );

async function nextUpload(): Promise<IncomingMessage> {
  while (uploads.length === 0) await new Promise((resolve) => setImmediate(resolve));
  return uploads[0] as IncomingMessage;
}

/** Reads at least `least` bytes, less only at the end. */
async function readSome(upload: IncomingMessage, least: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let length = 0; length < least && !upload.readableEnded && !upload.destroyed; ) {
    const chunk = upload.read() as Buffer | null;
    if (chunk === null) await new Promise((resolve) => setImmediate(resolve));
    else {
      chunks.push(chunk);
      length += chunk.length;
    }
  }
  return Buffer.concat(chunks);
}

test("is sent once, in minutes, while bytes go on moving", async () => {
  const done = put();
  const upload = await nextUpload();
  const hash = createHash("sha256");
  for (let step = 0; step < 16; step++) {
    hash.update(await readSome(upload, 2 * MEBIBYTE));
    vi.advanceTimersByTime(10_000); // less than any limit, 160 s in all
  }
  answers[0]?.end();
  expect(upload.headers["content-length"]).toBe(String(bytes.length));
  expect(hash.digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
  expect(await done).toBe(200);
  expect([uploads.length, pauses]).toEqual([1, 0]);
});

test("is given up when nothing moves", async () => {
  const done = put().catch((error: unknown) => error);
  await nextUpload();
  vi.advanceTimersByTime(10 * 60_000);
  expect(await done).toMatchObject({ code: "interrupted" });
  expect(pauses).toBe(1);
});
