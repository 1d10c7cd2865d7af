import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  completion,
  type Script,
  type ScriptedServer,
  send,
  startScriptedServer,
} from "../../../test/teacher/scripted-server.ts";
import { findPrice } from "../../ledger/price-book.ts";
import { type EndpointJudge, endpointJudge } from "./endpoint-judge.ts";

let folder: string;
let server: ScriptedServer;
const judges: EndpointJudge[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-judge-"));
});
afterEach(async () => {
  for (const judge of judges.splice(0)) await judge.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const never = new AbortController().signal;

async function open(script: Script): Promise<EndpointJudge> {
  server = await startScriptedServer(script);
  return await openAgain();
}

async function openAgain(): Promise<EndpointJudge> {
  const judge = endpointJudge({
    baseUrl: server.baseUrl,
    model: "j",
    price: findPrice("p", "j", { inputUsdPerMillion: 1, outputUsdPerMillion: 1 }),
    maxMicroUsd: 1_000_000,
    concurrency: 4,
    waiting: { seed: 0, now: () => 0, sleep: async () => undefined },
  });
  judges.push(judge);
  await judge.attach(folder);
  return judge;
}

describe("a judge behind an endpoint", () => {
  it("answers, books what it cost, and is asked about one text once: at the same time, and in the next process", async () => {
    const judge = await open((response, { body }) => send(response, completion("", `on ${body.messages[0]!.content}`)));
    const answers = await Promise.all(["a", "b", "a"].map((prompt) => judge.ask(prompt, never)));
    expect(answers).toEqual(["on a", "on b", "on a"]);
    expect(judge.spentMicroUsd()).toBe(60);
    await judge.close();
    const again = await openAgain();
    expect(await again.ask("a", never)).toBe("on a");
    expect(server.requests).toHaveLength(2);
    expect(again.spentMicroUsd()).toBe(60);
    expect(await readFile(join(folder, "judge.jsonl"), "utf8")).toContain("on b");
  });

  it("says of a question that it refuses for good that there is no reply, and refuses none for the others' sake", async () => {
    const judge = await open((response, { body }) =>
      body.messages[0]!.content === "bad" ? send(response, "{}", 400) : send(response, completion("", "fine")),
    );
    expect(await judge.ask("bad", never)).toBe("(no reply from the judge, provider-permanent)");
    expect(await judge.ask("good", never)).toBe("fine");
  });

  it("stops the evaluation when it refuses everything", async () => {
    const judge = await open((response) => send(response, "{}", 400));
    for (const prompt of ["1", "2", "3", "4"]) await judge.ask(prompt, never);
    await expect(judge.ask("5", never)).rejects.toMatchObject({ code: "provider", isRetryable: true });
  });

  it("stops at a bad key", async () => {
    const judge = await open((response) => send(response, "{}", 401));
    await expect(judge.ask("1", never)).rejects.toMatchObject({ code: "provider-permanent" });
  });
});
