/** @file Batches that run on at the provider when the recipe no longer buys what they hold in that way: nothing twice. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RequestJournal } from "../../src/adapters/journal/request-journal.ts";
import { FlowGates } from "../../src/adapters/teacher/flow-gate.ts";
import type { Teacher } from "../../src/adapters/teacher/teacher.ts";
import { shortHash } from "../../src/core/hash.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { tokenCost } from "../../src/ledger/price-book.ts";
import { endpointPrice } from "../../src/ledger/endpoint-price.ts";
import { type AskRequest, askEndpoint } from "../../src/pipeline/stages/ask-endpoint.ts";
import { openAsked } from "../../src/pipeline/stages/open-teacher.ts";
import type { TeacherWorld } from "../../src/pipeline/stages/teacher-world.ts";
import { Endpoint } from "../../src/schema/endpoint.ts";
import type { Question } from "../../src/schema/records.ts";
import { KEY } from "./fakes/batch-routes.ts";
import { PROMPT_TOKENS, tokensOf } from "./fakes/fake-batch.ts";
import { FakeBatches } from "./fakes/fake-batches.ts";
import { appFailure } from "./teacher-failure.ts";

let folder: string;
let fake: FakeBatches;
let direct: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-left-batches-"));
  fake = await new FakeBatches("openai").start();
  direct = [];
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
    apiKeyEnv: "K",
    maxTokens: 1000,
    ...rest,
  });
const world: TeacherWorld = { secrets: () => KEY, readKeyFile: () => "", prices: [], acceptedTerms: [] };

const questions = (count: number): Question[] =>
  Array.from({ length: count }, (_, n) => {
    const text = `question ${n}`;
    const origin = { answer: null, family: "f", domain: "d", difficulty: 1, bucket: "train", metadata: {} } as const;
    return { schemaVersion: 1, id: shortHash(text), text, ...origin };
  });

const directTeacher: Teacher = {
  provider: "openai-compatible",
  model: "m",
  ask: ({ messages }) => {
    const content = messages.at(-1)?.content ?? "";
    direct.push(content);
    const counted = { promptTokens: PROMPT_TOKENS, completionTokens: tokensOf(content) };
    const usage = { ...counted, reasoningTokens: 0, isEstimated: false };
    return Promise.resolve({ thinking: "t", answer: "42", provenance: "raw", finishReason: "stop", usage });
  },
  close: () => Promise.resolve(),
};

interface Asking {
  readonly account?: AskRequest["account"];
  readonly signal?: AbortSignal;
}

/** One process that asks about the first so many questions; what it bought is in the journal. */
async function ask(endpoint: Endpoint, count: number, { account = "trace", signal }: Asking = {}) {
  const ledger = new Ledger(1_000_000_000);
  const journal = await RequestJournal.open(join(folder, "requests.jsonl"), {
    onSettled: (one) => ledger.record(one.account, one),
  });
  const waiting = { seed: 0, now: () => 0, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const opened = { ...openAsked(endpoint, world, "the teacher"), teacher: directTeacher };
  const asked: AskRequest = { account, questions: questions(count), samples: { first: 0, count: 1 } };
  const never = new AbortController().signal;
  const ports = { accounts: { ledger, journal }, world, seed: 0, maxRetries: 1, journalFolder: folder, waiting };
  const outcomes: string[] = [];
  try {
    const flows = new FlowGates(waiting);
    for await (const outcome of askEndpoint(opened, asked, { ...ports, flows, signal: signal ?? never }))
      outcomes.push(outcome.type);
    return { outcomes, ledger: ledger.snapshot() };
  } finally {
    await opened.close();
    await journal.close();
  }
}

/** Leaves a batch of so many questions at the provider. */
async function leaveUnderWay(count: number, account?: AskRequest["account"]): Promise<void> {
  const stop = new AbortController();
  fake.faults = { looks: 50 };
  fake.onCall = () => (fake.batches[0]?.looks ?? 0) >= 2 && stop.abort();
  const asking = ask(endpointOf({ batch: {} }), count, {
    signal: stop.signal,
    ...(account === undefined ? {} : { account }),
  });
  await expect(asking).rejects.toMatchObject({ code: "interrupted" });
  fake.onCall = () => undefined;
  fake.faults = {};
}

const boughtTwice = (): string[] => {
  fake.finish();
  const contents = [...fake.billed].flatMap(([content, times]) => Array.from({ length: times }, () => content));
  const all = [...contents, ...direct];
  return all.filter((content, place) => all.indexOf(content) !== place);
};

const cost = (endpoint: Endpoint, contents: readonly string[], batch: boolean): number =>
  contents.reduce(
    (sum, content) =>
      sum +
      tokenCost(endpointPrice(endpoint, { batch }), {
        promptTokens: PROMPT_TOKENS,
        completionTokens: tokensOf(content),
      }),
    0,
  );

describe("an endpoint whose `batch` was taken out while a batch ran", () => {
  it("takes its replies before anything is asked directly, and asks for the rest", async () => {
    await leaveUnderWay(3);
    const endpoint = endpointOf({});
    const { outcomes, ledger } = await ask(endpoint, 5);
    expect(outcomes).toEqual(Array.from({ length: 5 }, () => "trace"));
    expect([fake.batches.length, boughtTwice(), direct.sort()]).toEqual([1, [], ["question 3", "question 4"]]);
    const spentMicroUsd = cost(endpoint, [...fake.billed.keys()], true) + cost(endpoint, direct, false);
    expect(ledger).toMatchObject({ spentMicroUsd, heldMicroUsd: 0 });
    const calls = fake.calls.length;
    await ask(endpoint, 5);
    expect([fake.calls.length, direct.length]).toEqual([calls, 2]);
  });

  it("asks directly, after it, for what it did not bring", async () => {
    await leaveUnderWay(4);
    fake.faults = { row: (content) => (content === "question 1" ? "unavailable" : "none") };
    const { outcomes } = await ask(endpointOf({}), 4);
    expect([outcomes.length, direct, fake.batches.length, boughtTwice()]).toEqual([4, ["question 1"], 1, []]);
  });

  it("buys nothing where the batch cannot be reached, and says which it is and what to do", async () => {
    await leaveUnderWay(3);
    fake.batches.length = 0;
    const [file = ""] = await readdir(join(folder, "batches"));
    const state = await readFile(join(folder, "batches", file), "utf8");
    const error = await appFailure(ask(endpointOf({}), 3));
    expect(error.code).toBe("provider-permanent");
    expect(error.message).toContain(String(/"shard":"([0-9a-f]+)"/.exec(state)?.[1]));
    expect(error.hint).toContain(file);
    expect(error.hint).not.toContain("leave `batch` out");
    expect(direct).toEqual([]);
  });

  it("keeps no file where there never was a batch", async () => {
    await ask(endpointOf({}), 2);
    expect(await readdir(folder)).toEqual(["requests.jsonl"]);
  });
});

it("refuses to buy for one stage what a batch of another stage may bring yet", async () => {
  await leaveUnderWay(2, "attempt");
  for (const endpoint of [endpointOf({}), endpointOf({ batch: {} })]) {
    const error = await appFailure(ask(endpoint, 3, { account: "trace" }));
    expect([error.code, error.hint]).toEqual(["run-changed", expect.stringContaining(".jsonl")]);
    expect(error.message).toMatch(/2 .*batch/);
  }
  expect([direct, fake.batches.length]).toEqual([[], 1]);
  await ask(endpointOf({}), 2, { account: "attempt" });
  expect((await ask(endpointOf({}), 3, { account: "trace" })).outcomes.length).toBe(3);
  expect(boughtTwice()).toEqual([]);
});
