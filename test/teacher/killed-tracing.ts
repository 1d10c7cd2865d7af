/** @file Traces questions in a child process that is killed at random moments, then lets it finish. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type JournalPurchase, readJournal } from "../../src/adapters/journal/journal-pass.ts";
import { shortHash } from "../../src/core/hash.ts";
import { prng } from "../../src/core/prng.ts";
import type { LedgerSnapshot } from "../../src/ledger/ledger.ts";
import { completion, type SeenRequest, send, startScriptedServer } from "./scripted-server.ts";

const WORST_CASE_MICRO_USD = 1000; // 1,000 tokens at a dollar a million

const tokensOf = (content: string): number => 1 + (Number.parseInt(shortHash(content).slice(0, 6), 16) % 999);

/** How much is done, and how often it is killed meanwhile. */
export interface KilledTracing {
  readonly count: number;
  readonly concurrency: number;
  readonly kills: number;
}

/** Kills and finishes, and expects that nothing was lost and nothing bought twice but what was in flight. */
export async function expectToSurviveKills({ count, concurrency, kills }: KilledTracing): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "grappa-kill-"));
  let onRequest: (request: SeenRequest) => void = () => undefined;
  // Replies depend on the request; so does how long they take.
  const server = await startScriptedServer(async (response, request) => {
    onRequest(request);
    const content = request.body.messages[0]?.content ?? "";
    const tokens = tokensOf(content);
    await new Promise((resolve) => setTimeout(resolve, tokens % 10));
    send(response, completion(`about ${content}`, "2", { usage: { prompt_tokens: 5, completion_tokens: tokens } }));
  });

  /** Starts the child; resolves with its ledger when it finishes, with null when it was killed. */
  const runChild = async (name: string, killAfterRequests?: number): Promise<LedgerSnapshot | null> => {
    await mkdir(join(folder, name), { recursive: true });
    const script = fileURLToPath(new URL("./trace-child.mjs", import.meta.url));
    const args = [script, join(folder, name), server.baseUrl, String(count), String(concurrency)];
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
  };

  try {
    const undisturbed = await runChild("undisturbed");
    expect(server.requests).toHaveLength(count);
    const expected = await readFile(join(folder, "undisturbed", "traces.jsonl"), "utf8");
    const paid = Array.from({ length: count }, (_, n) => tokensOf(`question ${n}`)).reduce((a, b) => a + b, 0);
    expect(undisturbed).toMatchObject({ spentMicroUsd: paid, heldMicroUsd: 0 });

    server.requests.length = 0;
    const random = prng("kill");
    for (let kill = 0; kill < kills; kill++) {
      await runChild("killed", random.int(1, count / (kills + 1)));
      expect(existsSync(join(folder, "killed", "traces.jsonl"))).toBe(false);
    }
    const ledger = await runChild("killed");
    expect(await readFile(join(folder, "killed", "traces.jsonl"), "utf8")).toBe(expected);

    const boughtAgain = server.requests.length - count;
    const tally = ledger?.stages["trace"] ?? expect.fail("no tally");
    expect(new Set(server.requests.map(({ body }) => body.messages[0]?.content)).size).toBe(count);
    expect(boughtAgain).toBeLessThanOrEqual(tally.unknownCalls);
    expect(tally.unknownCalls).toBeLessThanOrEqual(kills * concurrency);
    expect(tally).toMatchObject({ calls: count, measuredMicroUsd: paid });
    expect(tally.unknownMicroUsd).toBe(tally.unknownCalls * WORST_CASE_MICRO_USD);
    await expectJournal(join(folder, "killed", "requests.jsonl"), count, tally.unknownCalls);
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The journal alone tells the same: one whole reply a question, and what was in flight is open. */
async function expectJournal(path: string, count: number, unknownCalls: number): Promise<void> {
  const purchases: JournalPurchase[] = [];
  for await (const purchase of readJournal(path)) purchases.push(purchase);
  const replies = purchases.filter(({ outcome }) => outcome === "reply");
  expect(new Set(replies.map(({ questionId }) => questionId)).size).toBe(count);
  expect(replies).toHaveLength(count);
  expect(purchases.filter(({ outcome }) => outcome === "open")).toHaveLength(unknownCalls);
  expect(purchases).toHaveLength(count + unknownCalls);
}
