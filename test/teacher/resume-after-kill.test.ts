import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shortHash } from "../../src/core/hash.ts";
import { prng } from "../../src/core/prng.ts";
import type { LedgerSnapshot } from "../../src/ledger/ledger.ts";
import { completion, type SeenRequest, type ScriptedServer, send, startScriptedServer } from "./scripted-server.ts";

const COUNT = 300;
const CONCURRENCY = 16;
const KILLS = 5;
const WORST_CASE_MICRO_USD = 1000; // 1,000 tokens at a dollar a million

let folder: string;
let server: ScriptedServer;
let onRequest: (request: SeenRequest) => void = () => undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-kill-"));
  // Replies depend on the request; so does how long they take.
  server = await startScriptedServer(async (response, request) => {
    onRequest(request);
    const content = request.body.messages[0].content;
    const tokens = tokensOf(content);
    await new Promise((resolve) => setTimeout(resolve, tokens % 10));
    send(response, completion(`about ${content}`, "2", { usage: { prompt_tokens: 5, completion_tokens: tokens } }));
  });
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const tokensOf = (content: string): number => 1 + (Number.parseInt(shortHash(content).slice(0, 6), 16) % 999);

/** Starts the child; resolves with its ledger when it finishes, with null when it was killed. */
async function runChild(name: string, killAfterRequests?: number): Promise<LedgerSnapshot | null> {
  await mkdir(join(folder, name), { recursive: true });
  const script = fileURLToPath(new URL("./trace-child.mjs", import.meta.url));
  const args = [script, join(folder, name), server.baseUrl, String(COUNT), String(CONCURRENCY)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const killAt = server.requests.length + (killAfterRequests ?? Number.POSITIVE_INFINITY);
  onRequest = () => {
    if (server.requests.length >= killAt) child.kill("SIGKILL");
  };
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  expect([code, signal]).toEqual(killAfterRequests === undefined ? [0, null] : [null, "SIGKILL"]);
  return signal === null ? (JSON.parse(output) as LedgerSnapshot) : null;
}

describe("kill -9 while tracing", () => {
  it("buys nothing twice but what was in flight, accounts for that, and ends with the same bytes", async () => {
    const undisturbed = await runChild("undisturbed");
    expect(server.requests).toHaveLength(COUNT);
    const expected = await readFile(join(folder, "undisturbed", "traces.jsonl"), "utf8");
    const paid = Array.from({ length: COUNT }, (_, n) => tokensOf(`question ${n}`)).reduce((a, b) => a + b, 0);
    expect(undisturbed).toMatchObject({ spentMicroUsd: paid, heldMicroUsd: 0 });

    server.requests.length = 0;
    const random = prng("kill");
    for (let kill = 0; kill < KILLS; kill++) {
      await runChild("killed", random.int(1, COUNT / (KILLS + 1)));
      expect(existsSync(join(folder, "killed", "traces.jsonl"))).toBe(false);
    }
    const ledger = await runChild("killed");
    expect(await readFile(join(folder, "killed", "traces.jsonl"), "utf8")).toBe(expected);

    const boughtAgain = server.requests.length - COUNT;
    const { unknownCalls, calls, measuredMicroUsd, unknownMicroUsd } =
      ledger?.stages["trace"] ?? expect.fail("no tally");
    expect(new Set(server.requests.map(({ body }) => body.messages[0].content)).size).toBe(COUNT);
    expect(boughtAgain).toBeLessThanOrEqual(unknownCalls);
    expect(unknownCalls).toBeLessThanOrEqual(KILLS * CONCURRENCY);
    expect({ calls, measuredMicroUsd }).toEqual({ calls: COUNT, measuredMicroUsd: paid });
    expect(unknownMicroUsd).toBe(unknownCalls * WORST_CASE_MICRO_USD);
  });
});
