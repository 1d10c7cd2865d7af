/** @file Half-price batches of four APIs over sockets: every way in which one can go, and what it costs. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestJournal } from "../../src/adapters/journal/request-journal.ts";
import { buyThroughBatches } from "../../src/adapters/teacher/batch/batch-buyer.ts";
import { ShardLog } from "../../src/adapters/teacher/batch/shard-log.ts";
import type { Purchase } from "../../src/adapters/teacher/purchase.ts";
import { type Teacher, TeacherError } from "../../src/adapters/teacher/teacher.ts";
import { AppError } from "../../src/core/errors.ts";
import { shortHash } from "../../src/core/hash.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { findPrice, maxPromptTokens, tokenCost } from "../../src/ledger/price-book.ts";
import { batchTerms } from "./fakes/batch-terms.ts";
import { type BatchApi, type RowFault, tokensOf } from "./fakes/fake-batch.ts";
import { FakeBatches } from "./fakes/fake-batches.ts";
import { appFailure } from "./teacher-failure.ts";

const MAX_TOKENS = 1000;
const DIRECT = findPrice("p", "m", { inputUsdPerMillion: 2, outputUsdPerMillion: 8 });
const HALF = findPrice("p", "m", { inputUsdPerMillion: 1, outputUsdPerMillion: 4 });
const APIS: readonly BatchApi[] = ["openai", "responses", "together", "gemini", "anthropic"];

let folder: string;
let fake: FakeBatches;
let direct: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-batches-"));
  direct = [];
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});

const contents = (count: number): string[] => Array.from({ length: count }, (_, n) => `question ${n}`);

function purchasesOf(texts: readonly string[], { params = {}, maxTokens = MAX_TOKENS }: RunOptions = {}): Purchase[] {
  return texts.map((content) => {
    const messages = [{ role: "user", content }] as const;
    const usage = { promptTokens: maxPromptTokens(messages), completionTokens: maxTokens };
    const key = shortHash(content);
    return {
      key,
      questionId: key,
      sampleIndex: 0,
      messages,
      params,
      maxTokens,
      worstCaseMicroUsd: tokenCost(DIRECT, usage),
    };
  });
}

/** Time that passes only while somebody waits. */
function quickTime(startMs: number) {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    waiting: {
      seed: 0,
      now: () => nowMs,
      sleep: async (ms: number) => {
        nowMs += ms;
        await new Promise((resolve) => setImmediate(resolve));
      },
    },
  };
}

const directTeacher: Teacher = {
  provider: "p",
  model: "m",
  ask: ({ messages }) => {
    const content = messages.at(-1)?.content ?? "";
    direct.push(content);
    const usage = { promptTokens: 10, completionTokens: tokensOf(content), reasoningTokens: 0, isEstimated: false };
    return Promise.resolve({
      thinking: `about ${content}`,
      answer: "42",
      provenance: "raw",
      finishReason: "stop",
      usage,
    });
  },
  close: () => Promise.resolve(),
};

interface RunOptions {
  readonly capMicroUsd?: number;
  readonly deadlineMinutes?: number;
  readonly maxRequests?: number;
  readonly signal?: AbortSignal;
  readonly teacher?: Teacher;
  /** What else the endpoint says. */
  readonly rest?: object;
  /** Minutes that have passed since the test began. */
  readonly laterMinutes?: number;
  readonly params?: Purchase["params"];
  readonly maxTokens?: number;
  readonly ledger?: Ledger;
}

/** One process's worth of buying: opens the journal, buys, closes. */
async function buy(texts: readonly string[], options: RunOptions = {}) {
  const {
    capMicroUsd = 1_000_000_000,
    deadlineMinutes = 60,
    maxRequests = 1000,
    signal,
    teacher = directTeacher,
    ledger = new Ledger(capMicroUsd),
  } = options;
  const journal = await RequestJournal.open(join(folder, "requests.jsonl"), {
    onSettled: (one) => ledger.record("trace", one),
  });
  const time = quickTime(1_000_000 + (options.laterMinutes ?? 0) * 60_000);
  const terms = batchTerms({ fake, journalFolder: folder, price: HALF, rest: options.rest });
  const statePath = join(folder, "batches", "p.jsonl");
  const limits = { maxRequests };
  try {
    const failed = await buyThroughBatches(purchasesOf(texts, options), {
      teacher,
      price: DIRECT,
      ledger,
      journal,
      stage: "trace",
      concurrency: 4,
      maxRetries: 3,
      waiting: time.waiting,
      ...(signal === undefined ? {} : { signal }),
      batch: { ...terms, deadlineMinutes, statePath, limits, nowMs: time.nowMs },
    });
    const { maxTokens = MAX_TOKENS } = options;
    const missing = texts.filter((text) => journal.find(shortHash(text), maxTokens) === undefined);
    return { failed, missing, ledger: ledger.snapshot(), tally: ledger.snapshot().stages["trace"] };
  } finally {
    await terms.provider.close();
    await journal.close();
  }
}

/** What the server's replies cost at the price of batches. */
function bill(): number {
  let sum = 0;
  for (const [content, count] of fake.billed)
    sum += count * tokenCost(HALF, { promptTokens: 10, completionTokens: tokensOf(content) });
  return sum;
}

const directBill = (): number =>
  direct.reduce(
    (sum, content) => sum + tokenCost(DIRECT, { promptTokens: 10, completionTokens: tokensOf(content) }),
    0,
  );
const boughtTwice = (): string[] => {
  fake.finish();
  return [...fake.billed].flatMap(([content, count]) => (count > 1 ? [content] : []));
};
/** Leaves a batch of these at the provider, as a process that is stopped does. */
async function leaveUnderWay(texts: readonly string[]): Promise<void> {
  const faults = fake.faults;
  fake.faults = { ...faults, looks: 50 };
  const stop = new AbortController();
  fake.onCall = () => (fake.batches[0]?.looks ?? 0) >= 2 && stop.abort();
  expect((await appFailure(buy(texts, { signal: stop.signal }))).code).toBe("interrupted");
  fake.onCall = () => undefined;
  fake.faults = faults;
}

describe.each(APIS)("%s", (api) => {
  beforeEach(async () => {
    fake = await new FakeBatches(api).start();
  });

  it("buys all through batches of bounded size, at half price, with results in any order", async () => {
    fake.faults = { looks: 3 };
    const { failed, missing, ledger, tally } = await buy(contents(25), { maxRequests: 10 });
    expect([failed.size, missing, direct]).toEqual([0, [], []]);
    expect(fake.batches.map(({ items }) => items.length).sort((a, b) => b - a)).toEqual([10, 10, 5]);
    expect(ledger).toMatchObject({ spentMicroUsd: bill(), heldMicroUsd: 0, overrunMicroUsd: 0 });
    expect(tally).toMatchObject({ calls: 25, unknownCalls: 0, measuredMicroUsd: bill() });
    const lines = (await readFile(join(folder, "requests.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const intents = lines.filter(({ type }) => type === "intent");
    expect(intents.filter(({ account, batch }) => account === "trace" && /^[0-9a-f]{16}$/.test(batch))).toHaveLength(
      25,
    );
    const reply = lines.find(({ type, key }) => type === "reply" && key === shortHash("question 7"));
    expect(`${reply?.thinking} ${reply?.answer}`.trim()).toMatch(/^about question 7( 42)?$/);
    expect(reply).toMatchObject({
      usage: { completionTokens: tokensOf("question 7") },
    });
  });

  it("asks for nothing again", async () => {
    await buy(contents(3));
    const calls = fake.calls.length;
    const journal = await RequestJournal.open(join(folder, "requests.jsonl"));
    expect(contents(3).every((text) => journal.find(shortHash(text), MAX_TOKENS) !== undefined)).toBe(true);
    await journal.close();
    expect((await buy([])).missing).toEqual([]);
    expect(fake.calls).toHaveLength(calls);
  });

  it("takes each row's own fault: refused for good, for now, twice, unreadable, nowhere, empty, too long", async () => {
    const faults: Record<string, RowFault> = {
      "question 0": "refused",
      "question 1": "unavailable",
      "question 2": "duplicate",
      "question 3": "garbled",
      "question 4": "missing",
      "question 5": "empty",
      "question 6": "huge",
    };
    fake.faults = { row: (content) => faults[content] ?? "none" };
    const { failed, missing, ledger, tally } = await buy(contents(10));
    expect([...failed]).toEqual([
      [shortHash("question 0"), { reason: "provider-permanent", detail: expect.stringContaining("400") }],
    ]);
    expect(missing).toEqual(["question 0"]);
    expect(direct.sort()).toEqual([1, 3, 4, 5, 6].map((n) => `question ${n}`));
    expect(boughtTwice()).toEqual([]);
    // Of the garbled and the missing one we know only that they may cost their worst case; the bill of the rest is exact.
    const worst = (n: number) =>
      tokenCost(HALF, {
        promptTokens: maxPromptTokens([{ role: "user", content: `question ${n}` }]),
        completionTokens: MAX_TOKENS,
      });
    const real = (n: number) => tokenCost(HALF, { promptTokens: 10, completionTokens: tokensOf(`question ${n}`) });
    expect(ledger.spentMicroUsd).toBe(bill() - real(3) - real(4) + worst(3) + worst(4) + directBill());
    expect(tally).toMatchObject({ estimatedMicroUsd: worst(3) + worst(4), unknownCalls: 0 });
    expect(ledger.heldMicroUsd).toBe(0);
  });

  it("asks for a row that was refused for good no more, in a batch or directly", async () => {
    fake.faults = { row: (content) => (content === "question 0" ? "refused" : "none") };
    await buy(contents(2));
    const calls = fake.calls.length;
    const { failed } = await buy(contents(2));
    expect([[...failed.values()].map(({ reason }) => reason), fake.calls.length, direct]).toEqual([
      ["provider-permanent"],
      calls,
      [],
    ]);
  });

  it("stops at a bad key, with what was bought kept and the rest not billed", async () => {
    fake.faults = { row: (content) => (content === "question 1" ? "unauthorised" : "none") };
    const error = await appFailure(buy(contents(4)));
    expect([error.code, error.message]).toEqual(["provider-permanent", expect.stringContaining("401")]);
    fake.faults = {};
    expect((await buy(contents(4))).missing).toEqual([]);
    expect([boughtTwice(), direct]).toEqual([[], []]);
  });

  it("finds a batch whose answer was lost, and starts it once", async () => {
    fake.faults = { loseStarts: 1, looks: 2 };
    const { missing, ledger } = await buy(contents(5));
    expect([missing, boughtTwice(), fake.batches.length]).toEqual([[], [], 1]);
    expect(ledger).toMatchObject({ spentMicroUsd: bill(), heldMicroUsd: 0 });
  });

  it("starts a batch again that never arrived", async () => {
    fake.faults = { dropStarts: 2 };
    const { missing, ledger } = await buy(contents(5));
    expect([missing, boughtTwice(), fake.batches.length, direct]).toEqual([[], [], 1, []]);
    expect(ledger).toMatchObject({ spentMicroUsd: bill(), heldMicroUsd: 0 });
  });

  it("bears refusals for now, server errors, and results cut in the middle", async () => {
    fake.faults = { refuseStarts: 2, failLooks: 3, rateLimits: 2, cutFiles: 1, looks: 2 };
    const { missing, ledger, tally } = await buy(contents(40));
    expect([missing, boughtTwice(), direct]).toEqual([[], [], []]);
    expect([ledger.spentMicroUsd, tally?.calls]).toEqual([bill(), 40]);
  });

  it("cancels at the deadline, keeps what was done, and asks for the rest directly", async () => {
    fake.faults = { stuckAfter: 3 };
    const { missing, ledger, tally } = await buy(contents(8), { deadlineMinutes: 30 });
    expect(missing).toEqual([]);
    expect(fake.batches.map(({ state }) => state)).toEqual(["cancelled"]);
    expect([fake.billed.size, direct.length, boughtTwice()]).toEqual([3, 5, []]);
    expect(direct.filter((content) => fake.billed.has(content))).toEqual([]);
    expect(ledger).toMatchObject({ spentMicroUsd: bill() + directBill(), heldMicroUsd: 0 });
    expect(tally).toMatchObject({ calls: 8, unknownCalls: 0 });
  });

  it("keeps what an expired batch brings, and asks for the rest directly", async () => {
    fake.faults = { stuckAfter: 2, expires: true };
    const { missing, ledger } = await buy(contents(5));
    expect([missing, direct.length, boughtTwice()]).toEqual([[], 3, []]);
    expect(ledger.spentMicroUsd).toBe(bill() + directBill());
  });

  it("moves to direct calls only as far as the money reaches", async () => {
    fake.faults = { stuckAfter: 1 };
    const capMicroUsd = purchasesOf(contents(1))[0]?.worstCaseMicroUsd ?? 0; // two at half price; none more directly
    const error = await appFailure(buy(contents(2), { capMicroUsd, deadlineMinutes: 30 }));
    expect([error.code, fake.billed.size, direct]).toEqual(["budget-exceeded", 1, []]);
    fake.faults = {};
    const { missing, ledger } = await buy(contents(2), { capMicroUsd: 10 * capMicroUsd });
    expect([missing, boughtTwice()]).toEqual([[], []]);
    expect(ledger.spentMicroUsd).toBe(bill());
  });

  it("sends no more than the cap holds at once, and goes on with what comes free", async () => {
    const [first] = purchasesOf(contents(1));
    const capMicroUsd = 3 * (first?.worstCaseMicroUsd ?? 0); // six at half price; they use about half of that
    const spent: number[] = [];
    fake.onCall = () => spent.push(bill());
    const { missing, ledger } = await buy(contents(9), { capMicroUsd });
    expect([missing, direct]).toEqual([[], []]);
    expect(fake.batches.length).toBeGreaterThan(1);
    expect(Math.max(...fake.batches.map(({ items }) => items.length))).toBeLessThanOrEqual(6);
    expect(ledger.spentMicroUsd).toBe(bill());
    expect(Math.max(...spent)).toBeLessThanOrEqual(capMicroUsd);
  });

  it("refuses before anything is sent when not one request fits", async () => {
    const error = await appFailure(buy(contents(2), { capMicroUsd: 10 }));
    expect([error.code, fake.calls]).toEqual(["budget-exceeded", []]);
  });

  it("goes on after an interruption where the batch is", async () => {
    fake.faults = { looks: 50 };
    const stop = new AbortController();
    fake.onCall = (call) => {
      const looks = fake.batches[0]?.looks ?? 0;
      if (looks >= 3 && call.startsWith("GET")) stop.abort();
    };
    const error = await appFailure(buy(contents(6), { signal: stop.signal }));
    expect(error.code).toBe("interrupted");
    fake.onCall = () => undefined;
    const { missing, ledger, tally } = await buy(contents(6));
    expect([missing, fake.batches.length, boughtTwice(), direct]).toEqual([[], 1, [], []]);
    expect(ledger).toMatchObject({ spentMicroUsd: bill(), heldMicroUsd: 0 });
    expect(tally).toMatchObject({ calls: 6, unknownCalls: 0, unknownMicroUsd: 0 });
  });

  it("counts the deadline from when a batch was planned, whatever happened since", async () => {
    fake.faults = { stuckAfter: 2 };
    const stop = new AbortController();
    fake.onCall = () => (fake.batches[0]?.looks ?? 0) >= 2 && stop.abort();
    await appFailure(buy(contents(4), { signal: stop.signal }));
    fake.onCall = () => undefined;
    const looks = fake.batches[0]?.looks ?? 0;
    const { missing, ledger } = await buy(contents(4), { laterMinutes: 61 });
    expect([missing, fake.batches[0]?.state, direct.length, boughtTwice()]).toEqual([[], "cancelled", 2, []]);
    expect((fake.batches[0]?.looks ?? 0) - looks).toBeLessThan(5);
    expect(ledger.spentMicroUsd).toBe(bill() + directBill());
  });

  it("keeps the replies of a batch that nobody asks for any more", async () => {
    fake.faults = { looks: 50 };
    const stop = new AbortController();
    fake.onCall = () => (fake.batches[0]?.looks ?? 0) >= 2 && stop.abort();
    await appFailure(buy(contents(4), { signal: stop.signal }));
    fake.onCall = () => undefined;
    fake.faults = {};
    const { missing, ledger } = await buy(["another question"]);
    expect([missing, fake.billed.size, direct]).toEqual([[], 5, []]);
    expect(ledger.spentMicroUsd).toBe(bill());
  });

  it("keeps a reply that is too long for a limit lowered since, and buys that one alone again", async () => {
    await leaveUnderWay(contents(12));
    const long = contents(12)
      .filter((content) => tokensOf(content) > 500)
      .sort();
    expect(long.length).toBeGreaterThan(2);
    const { missing, ledger, tally, failed } = await buy(contents(12), { maxTokens: 500 });
    expect([failed.size, missing, direct, boughtTwice().sort()]).toEqual([0, [], [], long]);
    expect(ledger).toMatchObject({ spentMicroUsd: bill(), heldMicroUsd: 0 });
    expect(tally).toMatchObject({ calls: 12 + long.length, unknownCalls: 0 });
  });

  it("asks anew, under a limit changed since, for what was refused under the old one", async () => {
    fake.faults = { row: (content) => (content === "question 1" && fake.batches.length === 1 ? "refused" : "none") };
    await leaveUnderWay(contents(3));
    const { missing, failed } = await buy(contents(3), { maxTokens: 2000 });
    expect([failed.size, missing, direct, fake.batches.length, boughtTwice()]).toEqual([0, [], [], 2, []]);
  });

  it("has the key in no file, though the server says it back", async () => {
    fake.faults = { row: (content) => (content === "question 1" ? "echo" : "none") };
    expect((await buy(contents(3))).missing).toEqual([]);
    const texts = await Promise.all(
      ["requests.jsonl", "batches/p.jsonl"].map((name) => readFile(join(folder, name), "utf8")),
    );
    expect(texts.join("")).not.toContain("sk-test");
    expect(texts.join("")).toContain("about question 1 with [key]");
  });
});

describe.each(["openai", "gemini"] as const)("a batch of %s that fails whole", (api) => {
  beforeEach(async () => {
    fake = await new FakeBatches(api).start();
  });

  it("is tried again where too much was enqueued", async () => {
    fake.faults = { failForNow: 2 };
    const { missing } = await buy(contents(4));
    expect([missing, direct, boughtTwice(), fake.batches.length]).toEqual([[], [], [], 3]);
  });

  it("is left for direct calls when that does not end", async () => {
    fake.faults = { failForNow: 1000 };
    const { missing, ledger } = await buy(contents(4));
    expect([missing, direct.length, fake.billed.size]).toEqual([[], 4, 0]);
    expect(ledger.spentMicroUsd).toBe(directBill());
  });

  it("ends the run where no batch can work, and nothing is billed", async () => {
    fake.faults = { failForGood: true };
    const error = await appFailure(buy(contents(4)));
    expect([error.code, error.message]).toEqual(["provider-permanent", expect.stringContaining("no such model")]);
    expect((await appFailure(buy(contents(4)))).message).toContain("no such model");
    expect([fake.billed.size, direct]).toEqual([0, []]);
  });
});

it.each(APIS)("counts a cancelled batch of %s that never ends as possibly paid, once", async (api) => {
  fake = await new FakeBatches(api).start();
  fake.faults = { stuckAfter: 0, ignoresCancel: true };
  const { missing, tally } = await buy(contents(3), { deadlineMinutes: 10 });
  expect([missing, direct.length]).toEqual([[], 3]);
  expect(tally).toMatchObject({ unknownCalls: 3, calls: 3 });
  const again = await buy(contents(3));
  expect([again.tally?.unknownCalls, direct.length]).toEqual([3, 3]);
});

it("tells a lost batch from a stranger's of the same size, where a provider keeps no name of ours", async () => {
  fake = await new FakeBatches("anthropic").start();
  fake.faults = { loseStarts: 1, looks: 3 };
  const strange = ["a", "b"].map((content, n) => ({ id: `stranger-${n}`, content }));
  let wasPosted = false;
  fake.onCall = (call) => {
    if (wasPosted) fake.create({ id: "msgbatch_stranger", name: "", inputFile: "", endpoint: "", items: strange });
    fake.onCall = wasPosted ? () => undefined : fake.onCall;
    wasPosted = call === "POST /v1/messages/batches";
  };
  const { missing, ledger } = await buy(contents(2));
  expect([missing, boughtTwice(), direct]).toEqual([[], [], []]);
  expect(fake.batches.map(({ items }) => items.map(({ content }) => content))).toEqual([["a", "b"], contents(2)]);
  for (const { content } of strange) fake.billed.delete(content);
  expect(ledger).toMatchObject({ spentMicroUsd: bill(), heldMicroUsd: 0 });
});

it.each<BatchApi>(["openai", "gemini", "anthropic"])(
  "finds a lost batch of %s however many were made since",
  async (api) => {
    fake = await new FakeBatches(api).start();
    fake.faults = { loseStarts: 1, looks: 2 };
    fake.onCall = (call) => {
      if (!/^GET \S*\/batches(\?|$)/.test(call)) return;
      fake.onCall = () => undefined;
      for (let n = 0; n < 50; n++) fake.create({ id: `other${n}`, name: "", inputFile: "", endpoint: "", items: [] });
    };
    const { missing, ledger } = await buy(contents(3));
    expect([missing, boughtTwice(), direct, fake.batches.length]).toEqual([[], [], [], 51]);
    expect(ledger).toMatchObject({ spentMicroUsd: bill(), heldMicroUsd: 0 });
  },
);

it.each<BatchApi>(["openai", "gemini", "anthropic"])(
  "takes no batch of %s for absent while its list only repeats itself: it may stand further on",
  async (api) => {
    fake = await new FakeBatches(api).start();
    fake.faults = { repeatsLists: true };
    for (let n = 0; n < 3; n++)
      fake.create({ id: `other${n}`, name: "", inputFile: "", endpoint: "", items: [{ id: "x-1", content: "x" }] });
    const { provider } = batchTerms({ fake, journalFolder: folder, price: HALF });
    const lost = { name: "n", count: 7, taken: new Set<string>() };
    expect(await provider.find(lost, "file-1", new AbortController().signal)).toEqual({ type: "unsure" });
    expect(fake.calls.length).toBeLessThan(5);
    await provider.close();
  },
);

it.each<BatchApi>(["gemini", "anthropic", "responses"])(
  "bills what %s makes and withholds, and asks no more",
  async (api) => {
    fake = await new FakeBatches(api).start();
    fake.faults = { row: (content) => (content === "question 1" ? "withheld" : "none") };
    const { failed, missing, ledger } = await buy(contents(3));
    expect([[...failed.values()].map(({ reason }) => reason), missing]).toEqual([
      ["provider-permanent"],
      ["question 1"],
    ]);
    expect([direct, fake.billed.size, ledger.spentMicroUsd]).toEqual([[], 3, bill()]);
  },
);

it("learns from the first batch that a model takes no thinking budget, and asks in another", async () => {
  fake = await new FakeBatches("anthropic").start();
  fake.faults = { refusesBudgets: true };
  const rest = { thinkingBudget: 1024, maxTokens: 4096 };
  const { failed, ledger } = await buy(contents(3), { rest, params: { thinkingBudget: 1024 }, maxTokens: 4096 });
  expect([failed.size, direct, fake.batches.length, boughtTwice()]).toEqual([0, [], 2, []]);
  expect(fake.batches.map(({ items }) => items[0]?.thinking)).toEqual(["adaptive", "enabled"]);
  expect(ledger.spentMicroUsd).toBe(bill());
});

it("holds no money once it has failed before anything new was sent, and loses no batch for it", async () => {
  fake = await new FakeBatches("anthropic").start();
  await leaveUnderWay(contents(3));
  const ledger = new Ledger(1_000_000_000);
  const asking = { maxTokens: 1000, params: { thinkingBudget: 1000 } }; // leaves nothing for an answer
  const error = await appFailure(buy(contents(5), { ...asking, ledger }));
  expect([error.code, fake.batches.length]).toEqual(["provider-permanent", 1]);
  expect(ledger.snapshot()).toMatchObject({ heldMicroUsd: 0, stages: { trace: { unknownCalls: 3 } } });
  expect([(await buy(contents(5))).missing, boughtTwice(), direct]).toEqual([[], [], []]);
});

it("holds no money once the disk was full before a batch was sent, and sends it when there is room", async () => {
  fake = await new FakeBatches("openai").start();
  const full = vi.spyOn(RequestJournal.prototype, "intend");
  full.mockRejectedValueOnce(new AppError("disk-full", "no room"));
  const ledger = new Ledger(1_000_000_000);
  expect((await appFailure(buy(contents(5), { ledger }))).code).toBe("disk-full");
  full.mockRestore();
  expect([ledger.snapshot().heldMicroUsd, fake.batches]).toEqual([0, []]);
  const again = await buy(contents(5));
  expect([again.missing, boughtTwice(), direct]).toEqual([[], [], []]);
  expect(again.ledger).toMatchObject({ spentMicroUsd: bill(), heldMicroUsd: 0 });
});

it("counts a batch that cannot be told from a stranger's as possibly paid at its deadline", async () => {
  fake = await new FakeBatches("anthropic").start();
  fake.faults = { dropStarts: 1, looks: 1_000_000 };
  let wasPosted = false;
  fake.onCall = (call) => {
    const items = ["a", "b"].map((content, n) => ({ id: `stranger-${n}`, content }));
    if (wasPosted) fake.create({ id: "msgbatch_stranger", name: "", inputFile: "", endpoint: "", items });
    fake.onCall = wasPosted ? () => undefined : fake.onCall;
    wasPosted = call === "POST /v1/messages/batches";
  };
  const { missing, tally } = await buy(contents(2), { deadlineMinutes: 10 });
  expect([missing, direct.length, fake.batches[0]?.state]).toEqual([[], 2, "running"]);
  expect(tally).toMatchObject({ unknownCalls: 2, calls: 2 });
});

it("says how to forget batches that the server no longer knows", async () => {
  fake = await new FakeBatches("openai").start();
  fake.faults = { looks: 50 };
  const stop = new AbortController();
  fake.onCall = () => (fake.batches[0]?.looks ?? 0) >= 1 && stop.abort();
  await appFailure(buy(contents(2), { signal: stop.signal }));
  fake.onCall = () => undefined;
  fake.batches.length = 0;
  const error = await appFailure(buy(contents(2)));
  expect([error.code, error.hint]).toEqual(["provider-permanent", expect.stringContaining("p.jsonl")]);
});

it("gives up on what a direct call cannot bring either", async () => {
  fake = await new FakeBatches("openai").start();
  fake.faults = { row: () => "unavailable" };
  const teacher: Teacher = { ...directTeacher, ask: () => Promise.reject(new TeacherError("row-refused", "no")) };
  const { failed } = await buy(contents(2), { teacher });
  expect([...failed.values()].map(({ reason }) => reason)).toEqual(["provider-permanent", "provider-permanent"]);
});

it("remembers only the batches that have not ended", async () => {
  fake = await new FakeBatches("openai").start();
  await buy(contents(3));
  const log = await ShardLog.open(join(folder, "batches", "p.jsonl"));
  expect(log.live).toEqual([]);
  await log.close();
});
