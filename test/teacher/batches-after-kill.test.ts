import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { prng } from "../../src/core/prng.ts";
import type { LedgerSnapshot } from "../../src/ledger/ledger.ts";
import { findPrice, tokenCost } from "../../src/ledger/price-book.ts";
import { type BatchApi, PROMPT_TOKENS, tokensOf } from "./fakes/fake-batch.ts";
import { FakeBatches } from "./fakes/fake-batches.ts";

const COUNT = 60;
const KILLS = 8;
const PRICE = findPrice("p", "m", { inputUsdPerMillion: 1, outputUsdPerMillion: 4 });

let folder: string;
let fake: FakeBatches;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-batch-kill-"));
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});

/** What a child that was not killed says at its end; null for one that was. */
type ChildEnd = { failed: number; ledger: LedgerSnapshot } | null;

/** When to kill: some milliseconds after so many calls of a kind. */
interface Kill {
  readonly calls: RegExp;
  readonly count: number;
  readonly ms: number;
}

/** New batches are started here: the moment at which a crash costs most. */
const STARTS = /^POST \S*(batches|:batchGenerateContent)$/;

/** Starts the child; kills it, or lets it finish. */
async function runChild(api: BatchApi, kill?: Kill): Promise<ChildEnd> {
  const script = fileURLToPath(new URL("./batch-child.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, folder, api, fake.baseUrl, String(COUNT)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let calls = 0;
  fake.onCall = (call) => {
    if (kill === undefined || !kill.calls.test(call)) return;
    calls += 1;
    if (calls < kill.count) return;
    if (kill.ms === 0) child.kill("SIGKILL");
    else setTimeout(() => child.kill("SIGKILL"), kill.ms);
  };
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return code === 0 ? (JSON.parse(output) as ChildEnd) : null;
}

const bill = (): number =>
  [...fake.billed].reduce((sum, [content, count]) => {
    return sum + count * tokenCost(PRICE, { promptTokens: PROMPT_TOKENS, completionTokens: tokensOf(content) });
  }, 0);

describe.each<BatchApi>(["openai", "together", "gemini", "anthropic"])(
  "kill -9 while %s's batches are under way",
  (api) => {
    it("buys nothing twice, loses nothing, and ends with the server's own bill", async () => {
      fake = await new FakeBatches(api).start();
      fake.faults = { looks: 4, loseStarts: 2, failLooks: 2 };
      const random = prng(`kill/${api}`);
      let end: ChildEnd = null;
      for (let kill = 0; kill < KILLS && end === null; kill++) {
        const moment = kill < 4 ? { calls: STARTS, count: random.int(1, 4) } : { calls: /./, count: random.int(1, 16) };
        end = await runChild(api, { ...moment, ms: random.pick([0, 0, 2, 8]) });
      }
      end ??= await runChild(api);
      fake.finish();
      const questions = Array.from({ length: COUNT }, (_, n) => `question ${n}`);
      expect([...fake.billed.keys()].sort()).toEqual(questions.sort());
      expect([...fake.billed.values()].filter((count) => count !== 1)).toEqual([]);
      expect(end).toMatchObject({ failed: 0, ledger: { spentMicroUsd: bill(), heldMicroUsd: 0 } });
      expect(end?.ledger.stages["trace"]).toMatchObject({ calls: COUNT, unknownCalls: 0, unknownMicroUsd: 0 });
      const journal = (await readFile(join(folder, "requests.jsonl"), "utf8")).trim().split("\n");
      const types = journal.map((line) => (JSON.parse(line) as { type: string }).type);
      expect(types.filter((type) => type === "reply")).toHaveLength(COUNT);
      expect(types.filter((type) => type === "malformed")).toEqual([]);
    });
  },
);
