/** @file `grappa serve` as a process under load for a few seconds (test/slow/serve-load.test.ts: for a minute), abuses, and its end. */
import { Agent } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ABUSES, faultOf } from "./abuses.ts";
import { ask, replyOf } from "./ask-stream.ts";
import { checkLoad } from "./load-check.ts";
import { loadQuestions } from "./load-questions.ts";
import { type ServedProcess, startServed } from "./served-process.ts";

const KEYS = ["one-key-of-the-load", "another-key-of-the-load"];
const MEBIBYTE = 1 << 20;
let server: ServedProcess;
beforeAll(async () => {
  server = await startServed(["demo-base", "--threads", "1", "--keys-env", "LOAD_KEYS"], { LOAD_KEYS: KEYS.join() });
});
afterAll(() => server.stop());
const json = { "content-type": "application/json", authorization: `Bearer ${KEYS[0]}` };

describe("a request that no client should make", () => {
  test.each(ABUSES)("$name is answered as an error of OpenAI's, and the connection stays good", async (abuse) => {
    // One connection for both: the next request must not be cut off by what the one before left unread.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const asked = await abuse.send({ url: server.url, agent, key: KEYS[0]!, model: "demo-base" });
    expect(faultOf(abuse, asked)).toBeUndefined();
    if (asked.kind === "answered") expect(asked.type).toMatch(/^application\/json/);
    const models = await ask({ url: `${server.api}/models`, agent, method: "GET", headers: json });
    expect(models).toMatchObject({ kind: "answered", status: 200 });
    agent.destroy();
  });
});

test("48 streams, some of which are left, and abuses: right answers, and nothing is kept", async () => {
  const { served, crowded } = await checkLoad({
    server,
    model: "demo-base",
    clients: [32, 16].map((streams, k) => ({ key: KEYS[k]!, streams })),
    questions: loadQuestions(),
    seconds: 3,
    warmSeconds: 1,
    abuseEveryMs: 50,
    // What this many requests leaked before stays below what a compiler leaves: handles and files are what is tested here.
    heapGrowthBytes: 8 * MEBIBYTE,
    peakBytes: 768 * MEBIBYTE,
  });
  expect(crowded).toBe(0);
  expect(Math.min(...served.flat())).toBeGreaterThan(0);
});

test("asked to end, it lets streams finish, takes no more, tells no key, and ends with 0", async () => {
  const agent = new Agent({ keepAlive: true });
  const thinking = { budgetTokens: 200, minTokens: 120, answerReserve: 8 };
  const body = JSON.stringify({
    model: "demo-base",
    stream: true,
    messages: [{ role: "user", content: "62 a+36" }],
    thinking,
  });
  const streams = Array.from({ length: 12 }, () =>
    ask({ url: `${server.api}/chat/completions`, agent, headers: json, body }),
  );
  await expect.poll(async () => (await health()).active).toBe(8);
  server.signal();
  await expect.poll(() => health().catch(() => "gone")).toBe("gone");
  for (const asked of await Promise.all(streams)) {
    expect(asked).toMatchObject({ kind: "answered", status: 200 });
    expect(replyOf(asked.kind === "answered" ? asked.body : "")?.finish).toMatch(/stop|length/);
  }
  expect(await server.ended).toBe(0);
  for (const key of [...KEYS, "wrong-key-of-many-letters"]) expect(server.output()).not.toContain(key);
  agent.destroy();
});

const health = async () =>
  (await (await fetch(`${server.url}/health`, { headers: { connection: "close" } })).json()) as { active: number };
