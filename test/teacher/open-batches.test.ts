import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RequestJournal } from "../../src/adapters/journal/request-journal.ts";
import { type OpenBatches, openBatches } from "../../src/adapters/teacher/batch/open-batches.ts";
import type { Teacher } from "../../src/adapters/teacher/teacher.ts";
import { traceQuestions } from "../../src/adapters/teacher/trace-questions.ts";
import { shortHash } from "../../src/core/hash.ts";
import { endpointPrice } from "../../src/ledger/endpoint-price.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { Endpoint } from "../../src/schema/endpoint.ts";
import type { Question, Trace } from "../../src/schema/records.ts";
import { KEY } from "./fakes/batch-routes.ts";
import { tokensOf } from "./fakes/fake-batch.ts";
import { FakeBatches } from "./fakes/fake-batches.ts";

let folder: string;
let fake: FakeBatches;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-open-batches-"));
  fake = await new FakeBatches("openai").start();
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});

const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 4 };
const endpointOf = (rest: object): Endpoint =>
  Endpoint.parse({
    type: "openai-compatible",
    baseUrl: fake.baseUrl,
    model: "m",
    price,
    batch: {},
    apiKeyEnv: "K",
    ...rest,
  });

function open(endpoint: Endpoint, secrets: Record<string, string> = { K: KEY }): OpenBatches {
  return openBatches(endpoint, {
    price: endpointPrice(endpoint, { batch: true }),
    journalFolder: folder,
    stage: "trace",
    called: "the teacher",
    secrets: (name) => secrets[name],
    readKeyFile: (path) => (path === "key.txt" ? `${KEY}\n` : expect.fail(path)),
  });
}

const questions: Question[] = Array.from({ length: 3 }, (_, n) => {
  const text = `question ${n}`;
  const origin = { answer: null, family: "f", domain: "d", difficulty: 1, bucket: "train", metadata: {} } as const;
  return { schemaVersion: 1, id: shortHash(text), text, ...origin };
});

/** Traces the questions through batches; nothing may be asked directly. */
async function trace(endpoint: Endpoint): Promise<Trace[]> {
  const batch = open(endpoint);
  const teacher: Teacher = {
    provider: "p",
    model: "m",
    ask: () => expect.fail("asked directly"),
    close: () => Promise.resolve(),
  };
  const journal = await RequestJournal.open(join(folder, "requests.jsonl"));
  const traces: Trace[] = [];
  const outcomes = traceQuestions(questions, {
    teacher,
    batch,
    journal,
    ledger: new Ledger(1_000_000_000),
    price: endpointPrice(endpoint),
    stage: "trace",
    samplesPerQuestion: 1,
    concurrency: 2,
    maxRetries: 1,
    maxTokens: 1000,
    waiting: { seed: 0, now: () => 0, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
  });
  for await (const outcome of outcomes) {
    if (outcome.type === "trace") traces.push(outcome.trace);
    else expect.fail(outcome.failure.detail);
  }
  await batch.close();
  await journal.close();
  return traces;
}

describe("openBatches", () => {
  it("buys a recipe's traces through batches, and finds them bought by another URL and key file", async () => {
    const traces = await trace(endpointOf({}));
    expect(traces.map(({ thinking }) => thinking).sort()).toEqual(questions.map(({ text }) => `about ${text}`).sort());
    expect(
      traces.every(({ usage }, n) => usage.completionTokens === tokensOf(traces[n]?.thinking.slice(6) ?? "")),
    ).toBe(true);
    const calls = fake.calls.length;
    expect(await trace(endpointOf({ apiKeyEnv: undefined, apiKeyFile: "key.txt" }))).toEqual(traces);
    expect([fake.calls.length, await readdir(join(folder, "batches"))]).toEqual([
      calls,
      [expect.stringMatching(/^openai-compatible-/)],
    ]);
    const files = await Promise.all(
      [...(await readdir(join(folder, "batches")))].map((name) => readFile(join(folder, "batches", name), "utf8")),
    );
    expect(files.join("")).not.toContain(KEY);
  });

  it("remembers batches by the endpoint's name, model and stage, not by URL, key or limits", () => {
    const pathOf = (rest: object): string => open(endpointOf(rest)).statePath;
    expect(pathOf({ baseUrl: "https://other.example/v1", limits: { concurrency: 3 } })).toBe(pathOf({}));
    const others = [pathOf({}), pathOf({ model: "n" }), pathOf({ name: "x" })];
    expect(new Set(others).size).toBe(3);
  });

  it("says which key is missing, before anything is sent", () => {
    expect(() => open(endpointOf({}), {})).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringContaining("K") }),
    );
    expect(fake.calls).toEqual([]);
  });

  it("stops where a server has no batch API, with what to do", async () => {
    const endpoint = endpointOf({ baseUrl: fake.baseUrl.replace("/v1", "/v9") });
    await expect(trace(endpoint)).rejects.toMatchObject({
      code: "provider-permanent",
      hint: expect.stringContaining("`batch`"),
    });
    expect(fake.billed.size).toBe(0);
  });
});
