import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { completion, type ScriptedServer, send, startScriptedServer } from "./scripted-server.ts";
import { numberedQuestions, type TracedFolder, tracedFolder } from "./traced-folder.ts";

const CAP = 1_000_000; // $1.00
const WORST = { maxTokens: 10_000, concurrency: 512 }; // a cent each: 100 fit

let folder: TracedFolder;
let server: ScriptedServer;
let tokensUsed = 0;
beforeEach(async () => {
  folder = await tracedFolder();
  server = await startScriptedServer(async (response, { body }) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const usage = { prompt_tokens: 10, completion_tokens: tokensUsed };
    send(response, completion(`about ${body.messages[0]?.content}`, "2", { usage }));
  });
});
afterEach(async () => {
  await server.close();
  await folder.remove();
});

describe("a cap of $1.00, 512 workers, requests of at most a cent", () => {
  it("never shows the server a 101st that uses its worst case, and goes on when the cap is raised", async () => {
    tokensUsed = 10_000;
    const { ledger, error } = await folder.trace(numberedQuestions(600), {
      ...WORST,
      baseUrl: server.baseUrl,
      capMicroUsd: CAP,
    });
    expect(server.requests).toHaveLength(100);
    expect(error).toMatchObject({
      code: "budget-exceeded",
      message: "the next request can cost $0.01, and $0.00 of $1.00 is left; 100 of 600 replies are there",
    });
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: CAP, heldMicroUsd: 0, overrunMicroUsd: 0 });

    const raised = { ...WORST, baseUrl: server.baseUrl, capMicroUsd: 6 * CAP };
    const { outcomes, error: none } = await folder.trace(numberedQuestions(600), raised);
    expect(none).toBeUndefined();
    expect(outcomes).toHaveLength(600);
    expect(server.requests).toHaveLength(600);
  });

  it("sends some 400 that use a quarter, never over, and says when it waits for budget", async () => {
    tokensUsed = 2500;
    let mostWaiting = 0;
    const { ledger, error } = await folder.trace(numberedQuestions(600), {
      ...WORST,
      baseUrl: server.baseUrl,
      capMicroUsd: CAP,
      onProgress: ({ waitingForBudget }) => (mostWaiting = Math.max(mostWaiting, waitingForBudget)),
    });
    expect(server.requests).toHaveLength(397); // 397 quarter cents leave 0.75 cents: another cent does not fit
    expect(error).toMatchObject({ code: "budget-exceeded", data: { done: 397, total: 600 } });
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 992_500, heldMicroUsd: 0, overrunMicroUsd: 0 });
    expect(mostWaiting).toBeGreaterThanOrEqual(412); // 100 hold, or fewer once money is spent
  });
});
