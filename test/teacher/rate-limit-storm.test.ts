import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RequestJournal } from "../../src/adapters/journal/request-journal.ts";
import { openAICompatibleTeacher } from "../../src/adapters/teacher/openai-compatible.ts";
import { systemWaiting } from "../../src/adapters/teacher/retry-delay.ts";
import { traceQuestions } from "../../src/adapters/teacher/trace-questions.ts";
import { shortHash } from "../../src/core/hash.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { findPrice } from "../../src/ledger/price-book.ts";
import { completion, type Script, send, startScriptedServer } from "./scripted-server.ts";

const questions = Array.from({ length: 60 }, (_, n) => ({
  schemaVersion: 1 as const,
  id: shortHash(`question ${n}`),
  text: `question ${n}`,
  answer: null,
  family: "f",
  domain: "d",
  difficulty: 1,
  bucket: "train" as const,
  metadata: {},
}));

/** Traces all questions against a server that does as told. */
async function trace(script: Script): Promise<{ outcomes: string[]; requests: number; ledger: Ledger }> {
  const folder = await mkdtemp(join(tmpdir(), "grappa-storm-"));
  const server = await startScriptedServer(script);
  const journal = await RequestJournal.open(join(folder, "requests.jsonl"));
  const teacher = openAICompatibleTeacher({ model: "m", baseUrl: server.baseUrl });
  const price = findPrice("openai-compatible", "m", { inputUsdPerMillion: 0, outputUsdPerMillion: 1 });
  const ledger = new Ledger(1_000_000);
  const limits = { samplesPerQuestion: 1, concurrency: 16, maxRetries: 8, maxTokens: 100 };
  const options = { teacher, journal, ledger, price, stage: "trace", waiting: systemWaiting(0), ...limits };
  const outcomes: string[] = [];
  try {
    for await (const outcome of traceQuestions(questions, options)) {
      outcomes.push(outcome.type === "trace" ? outcome.trace.thinking : outcome.failure.reason);
    }
  } finally {
    await teacher.close();
    await journal.close();
    await server.close();
    await rm(folder, { recursive: true });
  }
  return { outcomes, requests: server.requests.length, ledger };
}

const expected = [...questions].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ text }) => `about ${text}`);

describe("a teacher in trouble, over real sockets", () => {
  it("that lets four requests at a time through gets every question answered, and is paid once each", async () => {
    let inFlight = 0;
    const { outcomes, ledger } = await trace(async (response, { body }) => {
      if (inFlight >= 4) return send(response, '{"error":"slow down"}', 429, { "retry-after-ms": "15" });
      inFlight += 1;
      await new Promise((resolve) => setTimeout(resolve, 3));
      inFlight -= 1;
      send(response, completion(`about ${body.messages[0].content}`, "2"));
    });
    expect(outcomes).toEqual(expected);
    expect(ledger.snapshot().stages["trace"]).toMatchObject({ calls: 60, unknownCalls: 0, measuredMicroUsd: 60 * 20 });
  });

  it("that breaks every third connection gets every question answered, and what broke counts as possibly paid", async () => {
    let broken = 0;
    const { outcomes, requests, ledger } = await trace((response, { body, index }) => {
      const reply = completion(`about ${body.messages[0].content}`, "2");
      if (index % 3 !== 0 || index > 60) return send(response, reply);
      broken += 1;
      response.writeHead(200, { "content-length": String(reply.length) });
      response.write(reply.slice(0, 20), () => response.socket?.resetAndDestroy());
    });
    expect(outcomes).toEqual(expected);
    expect(requests).toBe(60 + broken);
    expect(ledger.snapshot().stages["trace"]).toMatchObject({
      calls: 60,
      unknownCalls: broken,
      unknownMicroUsd: broken * 100,
    });
  });
});
