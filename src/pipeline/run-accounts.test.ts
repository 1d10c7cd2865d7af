import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type IntentRequest, RequestJournal } from "../adapters/journal/request-journal.ts";
import { ShardLog } from "../adapters/teacher/batch/shard-log.ts";
import { keepAccounts } from "./run-accounts.ts";

const LIVE = "1111111111111111";
const LOST = "2222222222222222";
const trace = { account: "trace", provider: "deepseek", model: "deepseek-v4-pro", worstCaseMicroUsd: 40_000 } as const;
const train = { account: "train", provider: "together", model: "Qwen/Qwen3-8B", worstCaseMicroUsd: 100_000 } as const;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-accounts-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the next process warns of, after one that ended with these open. */
async function warningsAfter(...open: readonly Omit<IntentRequest, "key">[]): Promise<string[]> {
  const journal = await RequestJournal.open(join(folder, "requests.jsonl"));
  for (const [i, one] of open.entries()) await journal.intend({ key: i.toString(16).padStart(16, "0"), ...one });
  await journal.close();
  const warnings: string[] = [];
  const keeper = keepAccounts({ journalFolder: folder, capMicroUsd: 1_000_000, warn: (one) => warnings.push(one) });
  const { ledger } = await keeper.accounts();
  expect(ledger.snapshot().spentMicroUsd).toBe(open.reduce((sum, { worstCaseMicroUsd }) => sum + worstCaseMicroUsd, 0));
  await keeper.close();
  return warnings;
}

async function writeBatches(): Promise<void> {
  const log = await ShardLog.open(join(folder, "batches/deepseek.jsonl"));
  const requests = [{ key: "0".repeat(16), maxTokens: 1, promptBytes: 1 }];
  for (const shard of [LIVE, LOST]) await log.write({ type: "planned", shard, atMs: 0, requests });
  await log.write({ type: "ended", shard: LOST, how: "lost" });
  await log.close();
}

describe("what an earlier process left open", () => {
  test("nothing is no matter for a warning, nor is what is free", async () => {
    expect(await warningsAfter({ ...trace, worstCaseMicroUsd: 0 })).toEqual([]);
  });

  test("requests in flight may have been billed; one in a batch that is lost too, a free one not", async () => {
    await writeBatches();
    expect(await warningsAfter(trace, { ...trace, batch: LOST }, { ...trace, worstCaseMicroUsd: 0 })).toEqual([
      "2 requests of an earlier try have no reply and may have been billed; counted as $0.08",
    ]);
  });

  test("a batch and a fine-tune that go on are said to, and are no lost requests", async () => {
    await writeBatches();
    expect(
      await warningsAfter(
        trace,
        { ...trace, batch: LIVE },
        { ...trace, batch: LIVE },
        { ...train, batch: "grappa-0000000000000003" },
      ),
    ).toEqual([
      "1 request of an earlier try has no reply and may have been billed; counted as $0.04",
      "2 requests of an earlier try are in batches that may go on at the provider; counted as $0.08 until they end",
      "a fine-tune of an earlier try may go on at the provider; counted as $0.10 until it ends",
    ]);
  });
});
