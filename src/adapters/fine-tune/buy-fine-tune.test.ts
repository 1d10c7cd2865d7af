import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type FakeTuning,
  type FakeTuningOptions,
  startFakeTuning,
} from "../../../test/teacher/fakes/fake-together-tuning.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { RequestJournal } from "../journal/request-journal.ts";
import { buyFineTune, type FineTuneTerms } from "./buy-fine-tune.ts";
import type { FineTuneJob, FineTuneOrder } from "./fine-tuner.ts";
import { TogetherTuner } from "./together-tuner.ts";

const KEY = "0123456789abcdef";
const API_KEY = "key-of-a-test-0123456789";
const RATE = { perMillion: 540_000, asOf: "2026-05-08", source: "test" };
const row = {
  messages: [
    { role: "user", content: "a".repeat(4_000) },
    { role: "assistant", content: "b".repeat(4_000) },
  ],
};
/** 2,000 tokens, 2 epochs. */
const ORDER: FineTuneOrder = {
  name: `grappa-${KEY}`,
  base: "Qwen/Qwen3-8B",
  method: "full",
  epochs: 2,
  batchSize: 16,
  learningRate: 1e-5,
  warmupShare: 0.05,
  weightDecay: 1e-4,
  maxGradientNorm: 1,
  examples: Buffer.from(`${JSON.stringify(row)}\n`),
};
const COST = 4_000 * 0.54;

let folder: string;
let fake: FakeTuning;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-tune-"));
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});

const start = async (options: Partial<FakeTuningOptions> = {}): Promise<void> => {
  fake = await startFakeTuning({ apiKey: API_KEY, perMillion: RATE.perMillion, ...options });
};

/** One process: its own ledger, filled from the journal. */
async function processOnce(terms: Partial<FineTuneTerms> = {}, { capMicroUsd = 10_000, stopAt = 99 } = {}) {
  const ledger = new Ledger(capMicroUsd);
  const journal = await RequestJournal.open(join(folder, "requests.jsonl"), {
    onSettled: (settled) => ledger.record(settled.account, settled),
  });
  const headers = { authorization: `Bearer ${API_KEY}` };
  const tuner = new TogetherTuner({ baseUrl: fake.baseUrl, apiKey: API_KEY, headers, called: "Together" });
  const stop = new AbortController();
  const seen: FineTuneJob[] = [];
  const onProgress = (job: FineTuneJob): void => {
    if (seen.push(job) >= stopAt) stop.abort();
  };
  const waiting = { seed: 0, now: () => 0, sleep: () => Promise.resolve() };
  const money = { ledger, journal, rate: RATE, expectedTokens: 3_900, mostTokens: 5_000 };
  try {
    const own = { tuner, key: KEY, provider: "together", waiting, signal: stop.signal, onProgress, ...money, ...terms };
    const result = await buyFineTune(ORDER, own).catch((error: unknown) => error);
    return { result, seen, ...ledger.snapshot() };
  } finally {
    await tuner.close();
    await journal.close();
  }
}

describe("buyFineTune", () => {
  test("books what the provider says, whatever we expected", async () => {
    await start();
    const { result, spentMicroUsd, heldMicroUsd, seen } = await processOnce();
    expect(result).toMatchObject({ trainedTokens: 4_000, costMicroUsd: COST, isEstimated: false });
    expect({ spentMicroUsd, heldMicroUsd }).toEqual({ spentMicroUsd: COST, heldMicroUsd: 0 });
    expect(seen.map(({ state }) => state.type === "running" && state.phase)).toEqual(["pending", "queued", "running"]);
  });

  test("a process that ended meanwhile: the next goes on with the same job, and books it once", async () => {
    await start();
    const stopped = await processOnce({}, { stopAt: 2 });
    expect(stopped.result).toMatchObject({ code: "interrupted" });
    expect(stopped.spentMicroUsd).toBe(5_000 * 0.54); // possibly paid, in full
    expect((await processOnce()).spentMicroUsd).toBe(COST);
    const again = await processOnce();
    expect(again.result).toMatchObject({ costMicroUsd: COST });
    expect(again.spentMicroUsd).toBe(COST);
    expect(fake.billed).toEqual({ jobs: 1, trainedTokens: 4_000, microUsd: COST });
    const lines = (await readFile(join(folder, "requests.jsonl"), "utf8")).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(["intent", "charge"]);
  });

  test("a lost answer to the order: the job is found, and no other ordered", async () => {
    await start({
      fault: ({ method, path }) =>
        method === "POST" && path === "/v1/fine-tunes" ? { type: "cut", share: 0.5 } : null,
    });
    expect((await processOnce()).result).toMatchObject({ costMicroUsd: COST });
    expect(fake.billed.jobs).toBe(1);
  });

  test("what does not fit under the cap is not ordered", async () => {
    await start();
    const { result, spentMicroUsd } = await processOnce({}, { capMicroUsd: 2_000 });
    expect(result).toMatchObject({ code: "budget-exceeded", message: expect.stringContaining("$0.0027") });
    expect(spentMicroUsd).toBe(0);
    expect(fake.billed.jobs).toBe(0);
  });

  test("a job that turns out dearer than the cap is cancelled; dearer than held, but within, is not", async () => {
    await start({ looks: 9 });
    const { result, spentMicroUsd } = await processOnce({ mostTokens: 2_000 }, { capMicroUsd: 2_000 });
    expect(result).toMatchObject({ code: "budget-exceeded" });
    expect(spentMicroUsd).toBe(COST / 2);
    expect(fake.billed).toMatchObject({ jobs: 1, microUsd: COST / 2 });
    const more = await processOnce({ mostTokens: 2_000 });
    expect(more.result).toMatchObject({ costMicroUsd: COST });
    expect(more).toMatchObject({ spentMicroUsd: COST * 1.5, heldMicroUsd: 0, overrunMicroUsd: 0 });
  });

  test("a job that fails is said to, and another may be ordered", async () => {
    await start({ failsWith: "the file is too short" });
    expect((await processOnce()).result).toMatchObject({ message: expect.stringContaining("the file is too short") });
    await processOnce();
    expect(fake.billed.jobs).toBe(2);
  });

  test("a refused order costs nothing", async () => {
    await start({ fault: ({ path }) => (path === "/v1/files/upload" ? { type: "status", status: 402 } : null) });
    const { result, spentMicroUsd } = await processOnce();
    expect(result).toMatchObject({ code: "provider-permanent" });
    expect(spentMicroUsd).toBe(0);
  });
});
