import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type FakeTuning,
  type FakeTuningOptions,
  startFakeTuning,
} from "../../../test/teacher/fakes/fake-together-tuning.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { readJournal } from "../journal/journal-pass.ts";
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
/** What is held for it: 5,000 tokens. */
const WORST = 5_000 * 0.54;
const never = new AbortController().signal;

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
  fake = await startFakeTuning({ apiKey: API_KEY, perMillion: RATE.perMillion, quote: "unavailable", ...options });
};

const openTuner = (): TogetherTuner =>
  new TogetherTuner({
    baseUrl: fake.baseUrl,
    apiKey: API_KEY,
    headers: { authorization: `Bearer ${API_KEY}` },
    called: "Together",
  });

/** What happens at the provider while no process of ours runs. */
async function away(happens: (tuner: TogetherTuner) => Promise<unknown>): Promise<void> {
  const tuner = openTuner();
  await happens(tuner).finally(() => tuner.close());
}
/** Each look at a job of the fake takes it further: four end it. */
const ends =
  (id = "ft-0") =>
  async (tuner: TogetherTuner): Promise<void> => {
    for (let looks = 0; looks < 4; looks++) await tuner.poll(id, never);
  };

const journalPath = (): string => join(folder, "requests.jsonl");
async function journalled(): Promise<{ type: string; costMicroUsd?: number; detail?: string }[]> {
  const lines = (await readFile(journalPath(), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as { type: string });
}

/** What a new process would count as spent, by the journal alone. */
async function onDisk(): Promise<number> {
  let sum = 0;
  for await (const { costMicroUsd } of readJournal(journalPath())) sum += costMicroUsd;
  return sum;
}

/** One process: its own ledger, filled from the journal. */
async function processOnce(terms: Partial<FineTuneTerms> = {}, { capMicroUsd = 10_000, stopAt = 99 } = {}) {
  const ledger = new Ledger(capMicroUsd);
  const journal = await RequestJournal.open(journalPath(), {
    onSettled: (settled) => ledger.record(settled.account, settled),
  });
  const tuner = openTuner();
  const stop = new AbortController();
  const seen: FineTuneJob[] = [];
  const onProgress = (job: FineTuneJob): void => {
    if (seen.push(job) >= stopAt) stop.abort();
  };
  const waiting = { seed: 0, now: () => 0, sleep: () => Promise.resolve() };
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const money = { ledger, journal, warn, rate: RATE, expectedTokens: 3_900, mostTokens: 5_000 };
  try {
    const own = { tuner, key: KEY, provider: "together", waiting, signal: stop.signal, onProgress, ...money, ...terms };
    const result = await buyFineTune(ORDER, own).catch((error: unknown) => error);
    return { result, seen, warnings, ...ledger.snapshot() };
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
    expect(stopped.spentMicroUsd).toBe(WORST); // possibly paid, in full
    expect((await processOnce()).spentMicroUsd).toBe(COST);
    const again = await processOnce();
    expect(again.result).toMatchObject({ costMicroUsd: COST });
    expect(again.spentMicroUsd).toBe(COST);
    expect(fake.billed).toEqual({ jobs: 1, trainedTokens: 4_000, microUsd: COST });
    expect((await journalled()).map(({ type }) => type)).toEqual(["intent", "charge"]);
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

  test("a job that failed while nobody watched is booked, and another ordered under a hold of its own", async () => {
    await start({ failsWith: "out of memory", failing: 1 });
    await processOnce({}, { stopAt: 1 });
    await away(ends());
    const { result, spentMicroUsd, heldMicroUsd, warnings } = await processOnce();
    expect(result).toMatchObject({ job: "ft-1", costMicroUsd: COST });
    expect({ spentMicroUsd, heldMicroUsd }).toEqual({ spentMicroUsd: COST * 1.5, heldMicroUsd: 0 });
    expect(warnings).toEqual(["the fine-tune ft-0 failed: out of memory; $0.00108 of it is booked"]);
    expect(fake.billed).toMatchObject({ jobs: 2, microUsd: COST * 1.5 });
    expect((await processOnce()).spentMicroUsd).toBe(COST * 1.5);
  });

  test("the cap holds over both: where another does not fit, the failed one is booked and none ordered", async () => {
    await start({ failsWith: "out of memory" });
    await processOnce({}, { stopAt: 1 });
    await away(ends());
    const { result, spentMicroUsd, stages } = await processOnce({}, { capMicroUsd: COST / 2 + WORST - 1 });
    expect(result).toMatchObject({ code: "budget-exceeded", message: expect.stringContaining("may cost $0.0027") });
    expect(spentMicroUsd).toBe(COST / 2);
    expect(stages["train"]).toMatchObject({ measuredMicroUsd: COST / 2, unknownMicroUsd: 0 });
    expect(fake.billed.jobs).toBe(1);
  });

  test("a job that was cancelled while nobody watched is booked too", async () => {
    await start();
    await processOnce({}, { stopAt: 1 });
    await away((tuner) => tuner.cancel("ft-0", never));
    const { result, spentMicroUsd } = await processOnce();
    expect(result).toMatchObject({ job: "ft-1" });
    expect(spentMicroUsd).toBe(COST * 1.5);
  });

  test.each([
    ["tells no price and no tokens: its worst case", "untold", WORST],
    ["was paid back: nothing", "refunded", 0],
  ] as const)("a job that failed and %s", async (_, failedPrice, booked) => {
    await start({ failsWith: "out of memory", failedPrice, failing: 1 });
    await processOnce({}, { stopAt: 1 });
    await away(ends());
    expect((await processOnce()).spentMicroUsd).toBe(booked + COST);
  });

  describe("a job that the provider itself begins anew", () => {
    const restarts = { failsWith: "a node died", failing: 1, isRestarted: true } as const;

    test.each([99, 1])("is gone on with, whether or not the first failed before our eyes", async (stopAt) => {
      await start({ ...restarts, failedPrice: "refunded" });
      const first = await processOnce({}, { stopAt, capMicroUsd: WORST });
      if (stopAt === 1) await away(ends());
      const { result, spentMicroUsd } = stopAt === 1 ? await processOnce({}, { capMicroUsd: WORST }) : first;
      expect(result).toMatchObject({ job: "ft-1", costMicroUsd: COST });
      expect(spentMicroUsd).toBe(COST);
      expect(fake.billed.jobs).toBe(2);
    });

    test.each([99, 1])(
      "is cancelled where the cap does not hold it beside the first; both are booked",
      async (stopAt) => {
        await start(restarts);
        const first = await processOnce({}, { stopAt, capMicroUsd: WORST });
        if (stopAt === 1) await away(ends());
        const { result, spentMicroUsd } = stopAt === 1 ? await processOnce({}, { capMicroUsd: WORST }) : first;
        expect(result).toMatchObject({ code: "budget-exceeded" });
        expect(spentMicroUsd).toBe(COST);
        expect(fake.billed).toMatchObject({ jobs: 2, microUsd: COST });
      },
    );

    test("is booked although we were killed while the cap had us stop it", async () => {
      await start(restarts);
      await processOnce({}, { stopAt: 1 });
      await away(ends());
      expect((await processOnce({}, { stopAt: 1, capMicroUsd: WORST })).result).toMatchObject({ code: "interrupted" });
      expect(await onDisk()).toBe(COST / 2 + WORST);
      await away((tuner) => tuner.cancel("ft-1", never));
      const { result, spentMicroUsd } = await processOnce({}, { capMicroUsd: WORST });
      expect(result).toMatchObject({ code: "budget-exceeded" });
      expect(spentMicroUsd).toBe(COST);
      expect(fake.billed).toMatchObject({ jobs: 2, microUsd: COST });
    });

    test("is stopped by the next process where we were killed before we did", async () => {
      await start({ ...restarts, looks: 9 });
      await processOnce({}, { stopAt: 1 });
      await away((tuner) =>
        ends()(tuner)
          .then(() => ends()(tuner))
          .then(() => ends()(tuner)),
      );
      expect((await processOnce({}, { stopAt: 1, capMicroUsd: WORST })).result).toMatchObject({ code: "interrupted" });
      const { result, spentMicroUsd } = await processOnce({}, { capMicroUsd: WORST });
      expect(result).toMatchObject({ code: "budget-exceeded" });
      expect(spentMicroUsd).toBe(COST);
      expect(fake.billed).toMatchObject({ jobs: 2, microUsd: COST });
    });

    test("later than we looked, and failed while nobody watched, is booked too", async () => {
      await start({ failsWith: "a node died", failing: 2 });
      expect((await processOnce()).result).toMatchObject({ code: "provider-permanent" });
      await away((tuner) => tuner.submit(ORDER, never));
      await away(ends("ft-1"));
      const { result, spentMicroUsd } = await processOnce();
      expect(result).toMatchObject({ job: "ft-2" });
      expect(spentMicroUsd).toBe(COST * 2);
      expect(fake.billed).toMatchObject({ jobs: 3, microUsd: COST * 2 });
    });
  });

  test("a job that failed for another run of the same name, before ours was ordered, is none of ours", async () => {
    await start({ failsWith: "out of memory", failing: 1 });
    await away((tuner) => tuner.submit(ORDER, never));
    await away(ends());
    await processOnce({}, { stopAt: 1 });
    const { result, spentMicroUsd } = await processOnce();
    expect(result).toMatchObject({ job: "ft-1" });
    expect(spentMicroUsd).toBe(COST);
  });

  test("a job of another run that turns out dearer than our cap is left to it, and nothing is booked", async () => {
    await start({ looks: 9 });
    await away((tuner) => tuner.submit(ORDER, never));
    const { result, spentMicroUsd } = await processOnce({ mostTokens: 2_000 }, { capMicroUsd: 2_000 });
    expect(result).toMatchObject({ code: "budget-exceeded" });
    expect(spentMicroUsd).toBe(0);
    await away(async (tuner) => {
      for (let looks = 0; looks < 9; looks++) await tuner.poll("ft-0", never);
    });
    expect(fake.billed).toMatchObject({ jobs: 1, microUsd: COST });
  });

  test("a list that lags: a job that was ordered is looked for again, and no other ordered", async () => {
    await start({ listLag: 3 });
    await processOnce({}, { stopAt: 1 });
    expect((await processOnce()).result).toMatchObject({ job: "ft-0", costMicroUsd: COST });
    expect(fake.billed.jobs).toBe(1);
  });

  test("an order that certainly did not come through is placed under its old hold", async () => {
    await start({ fault: ({ path, index }) => (path === "/v1/files/upload" && index < 3 ? { type: "reset" } : null) });
    expect((await processOnce()).spentMicroUsd).toBe(WORST);
    const { result, spentMicroUsd } = await processOnce();
    expect(result).toMatchObject({ job: "ft-0" });
    expect(spentMicroUsd).toBe(COST);
    expect((await journalled()).map(({ type }) => type)).toEqual(["intent", "charge"]);
  });

  test("a hold of an earlier, lower price is raised before anything is ordered", async () => {
    await start({ fault: ({ path, index }) => (path === "/v1/files/upload" && index < 3 ? { type: "reset" } : null) });
    await processOnce({ mostTokens: 2_000 });
    expect((await processOnce({}, { capMicroUsd: 2_000 })).result).toMatchObject({ code: "budget-exceeded" });
    expect(fake.billed.jobs).toBe(0);
  });

  test("a cap that was lowered below an old hold lets nothing be ordered under it", async () => {
    await start({ fault: ({ path, index }) => (path === "/v1/files/upload" && index < 3 ? { type: "reset" } : null) });
    await processOnce();
    const { result } = await processOnce({}, { capMicroUsd: WORST - 1 });
    expect(result).toMatchObject({
      code: "budget-exceeded",
      message: "the fine-tune may cost $0.0027, and what is spent and held is $0.000001 over maxUsd",
    });
    expect(fake.billed.jobs).toBe(0);
  });

  test("a job of our name that cannot be read is no sign that there is none", async () => {
    const body = JSON.stringify({ data: [{ id: 7, suffix: ORDER.name }] });
    await start({
      fault: ({ method, path }) =>
        method === "GET" && path === "/v1/fine-tunes"
          ? { type: "content-type", contentType: "application/json", body }
          : null,
    });
    expect((await processOnce()).result).toMatchObject({ message: expect.stringContaining("not a job (id)") });
    expect(fake.billed.jobs).toBe(0);
  });

  test("killed between the lines of one charge: too much is counted until the next process, then what it came to", async () => {
    await start();
    await processOnce({ mostTokens: 2_000 });
    const lines = (await readFile(journalPath(), "utf8")).trimEnd().split("\n");
    expect((await journalled()).map(({ type }) => type)).toEqual(["intent", "intent", "charge", "charge"]);
    await writeFile(journalPath(), `${lines.slice(0, 3).join("\n")}\n`);
    expect(await onDisk()).toBeGreaterThanOrEqual(COST);
    expect((await processOnce()).spentMicroUsd).toBe(COST);
    expect(await onDisk()).toBe(COST);
    expect((await journalled()).map(({ type }) => type)).toEqual(["intent", "intent", "charge", "charge"]);
  });

  test("a job that is being cancelled already, and takes no second cancellation, is watched to its end", async () => {
    await start({
      looks: 9,
      fault: ({ path }) => (path.endsWith("/cancel") ? { type: "status", status: 400, body: "{}" } : null),
    });
    const { result, spentMicroUsd } = await processOnce({ mostTokens: 2_000 }, { capMicroUsd: 2_000 });
    expect(result).toMatchObject({ job: "ft-0", costMicroUsd: COST });
    expect(spentMicroUsd).toBe(COST);
  });

  describe("a price that is told beforehand", () => {
    test("is held instead of our worst case, and shown", async () => {
      await start({ quote: "told", looks: 9 });
      const quotes: unknown[] = [];
      const onQuote = (quote: unknown): void => void quotes.push(quote);
      const { result, spentMicroUsd } = await processOnce({ onQuote }, { capMicroUsd: COST, stopAt: 1 });
      expect(result).toMatchObject({ code: "interrupted" });
      expect(spentMicroUsd).toBe(COST); // our own worst case would not have fitted under the cap
      expect(quotes).toEqual([{ microUsd: COST, trainedTokens: 4_000, isAllowed: true, limitMicroUsd: 100_000_000 }]);
      expect(fake.files.size).toBe(1);
    });

    test("over the cap is not ordered: a job has a least price", async () => {
      await start({ quote: "told", minimumMicroUsd: 4_000_000 });
      const { result, spentMicroUsd } = await processOnce();
      expect(result).toMatchObject({ code: "budget-exceeded", message: expect.stringContaining("may cost $4") });
      expect(spentMicroUsd).toBe(0);
      expect(fake.billed.jobs).toBe(0);
    });

    test("the least price is held where none is told", async () => {
      await start();
      const rate = { ...RATE, minimum: { microUsd: 4_000_000, asOf: "2026-09-09" } };
      const { result } = await processOnce({ rate });
      expect(result).toMatchObject({ code: "budget-exceeded", message: expect.stringContaining("may cost $4") });
      const { spentMicroUsd } = await processOnce({ rate }, { capMicroUsd: 4_000_000 });
      expect(spentMicroUsd).toBe(COST); // what it says at the end counts
    });

    test("an account that may not go on is told so, and nothing is ordered or held", async () => {
      await start({ quote: "refused" });
      const { result, spentMicroUsd } = await processOnce();
      expect(result).toMatchObject({ code: "provider-permanent", hint: expect.stringContaining("$100") });
      expect(spentMicroUsd).toBe(0);
      expect(fake.billed.jobs).toBe(0);
    });

    test("that counts far more tokens than the examples hold is warned of", async () => {
      await start({ quote: "told" });
      const { warnings } = await processOnce({ mostTokens: 1_000, expectedTokens: 900 });
      expect(warnings).toEqual([
        expect.stringContaining("together counts 4000 tokens, and the examples hold about 900"),
      ]);
    });

    test("rows are packed: otherwise each would be billed at full length", async () => {
      await start({ quote: "told" });
      expect((await processOnce()).spentMicroUsd).toBe(COST);
      expect(fake.billed.trainedTokens).toBe(4_000);
    });
  });

  test("a refused order costs nothing", async () => {
    await start({ fault: ({ path }) => (path === "/v1/files/upload" ? { type: "status", status: 402 } : null) });
    const { result, spentMicroUsd } = await processOnce();
    expect(result).toMatchObject({ code: "provider-permanent" });
    expect(spentMicroUsd).toBe(0);
  });
});
