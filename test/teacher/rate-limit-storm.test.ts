import { describe, expect, it } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { completion, type Script, send, startScriptedServer } from "./scripted-server.ts";
import { numberedQuestions, tracedFolder } from "./traced-folder.ts";

const questions = numberedQuestions(60);

/** Traces all questions against a server that does as told. */
async function trace(script: Script): Promise<{ outcomes: string[]; requests: number; ledger: Ledger }> {
  const folder = await tracedFolder();
  const server = await startScriptedServer(script);
  try {
    const options = { baseUrl: server.baseUrl, maxRetries: 8, maxTokens: 100 };
    const { outcomes, ledger } = await folder.trace(questions, options);
    const texts = outcomes.map((one) => (one.type === "trace" ? one.trace.thinking : one.failure.reason));
    return { outcomes: texts, requests: server.requests.length, ledger };
  } finally {
    await server.close();
    await folder.remove();
  }
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
