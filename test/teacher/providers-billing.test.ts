import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RequestJournal } from "../../src/adapters/journal/request-journal.ts";
import { openEndpoint, samplingParams } from "../../src/adapters/teacher/open-endpoint.ts";
import { traceQuestions } from "../../src/adapters/teacher/trace-questions.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { findPrice } from "../../src/ledger/price-book.ts";
import { Endpoint } from "../../src/schema/endpoint.ts";
import { startFakeAnthropic } from "./fakes/fake-anthropic.ts";
import { startFakeGemini } from "./fakes/fake-gemini.ts";
import { startFakeResponses } from "./fakes/fake-openai-responses.ts";
import type { NativeFake } from "./fakes/native-fake.ts";
import { numberedQuestions } from "./traced-folder.ts";

const KEY = "key-planted-0123456789abcdef";
let folder: string;
let server: NativeFake | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-billing-"));
});
afterEach(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const questions = numberedQuestions(40);

/** Every fifth reply is cut at its limit, every eighth withheld; every third request is refused at first. */
const script = (withheld: string) => {
  const seen = new Set<string>();
  return {
    reply: (prompt: string) => {
      const n = Number(/\d+/.exec(prompt)?.[0]);
      if (n % 8 === 1) return { thinking: "t".repeat(50), answer: "no", finish: withheld };
      return { thinking: "t".repeat(100 + n), answer: n % 5 === 0 ? "a".repeat(20_000) : "2" };
    },
    fault: ({ body, index }: { body: string; index: number }) => {
      const isAgain = seen.has(body);
      seen.add(body);
      return index % 3 === 0 && !isAgain ? ({ type: "status", status: 429 } as const) : null;
    },
  };
};

const PROVIDERS = [
  ["gemini", startFakeGemini, "RECITATION", { thinkingBudget: 1000 }],
  ["anthropic", startFakeAnthropic, "refusal", { thinkingBudget: 1024 }],
  ["openai", startFakeResponses, "refusal", { reasoningEffort: "low" }],
] as const;

describe("the ledger is the provider's own bill", () => {
  it.each(PROVIDERS)("of %s: cut, withheld and refused replies among them", async (type, start, withheld, fields) => {
    server = await start({ ...script(withheld), apiKey: KEY, model: "m" });
    const endpoint = Endpoint.parse({
      type,
      model: "m",
      baseUrl: server.baseUrl,
      apiKeyEnv: "K",
      maxTokens: 2000,
      ...fields,
    });
    const ports = { secrets: () => KEY, readKeyFile: () => "" };
    const teacher = openEndpoint(endpoint, ports, "the teacher");
    const path = join(folder, "requests.jsonl");
    const ledger = new Ledger(10_000_000);
    let nowMs = 0;
    const journal = await RequestJournal.open(path, { commitIntervalMs: 0 });
    const outcomes = traceQuestions(questions, {
      teacher,
      journal,
      ledger,
      price: findPrice("p", "m", { inputUsdPerMillion: 1, outputUsdPerMillion: 1 }),
      stage: "trace",
      samplesPerQuestion: 1,
      concurrency: 8,
      maxRetries: 5,
      maxTokens: 2000,
      params: samplingParams(endpoint),
      waiting: {
        seed: 0,
        now: () => nowMs,
        sleep: (ms) => {
          nowMs += ms;
          return new Promise((resolve) => setImmediate(resolve));
        },
      },
    });
    const counts = { trace: 0, failure: 0 };
    for await (const outcome of outcomes) counts[outcome.type] += 1;
    await teacher.close();
    await journal.close();
    expect(counts).toEqual({ trace: 35, failure: 5 });
    const { requests, promptTokens, completionTokens } = server.billed;
    expect(requests).toBe(40);
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: promptTokens + completionTokens, heldMicroUsd: 0 });
    expect(await readFile(path, "utf8")).not.toContain(KEY);
  });
});
