import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type JournalPurchase, readJournal, type SettledPurchase } from "./journal-pass.ts";
import { type IntentRequest, type PaidReply, RequestJournal } from "./request-journal.ts";
import type { StoredReply } from "./stored-replies.ts";

const A = "a".repeat(16);
const B = "b".repeat(16);
const usage = { promptTokens: 3, completionTokens: 50, reasoningTokens: 40, isEstimated: false };
const reply: PaidReply = {
  maxTokens: 100,
  thinking: "r\né",
  answer: "2",
  provenance: "raw",
  finishReason: "stop",
  usage,
  costMicroUsd: 7,
};

const whole = (completionTokens: number, maxTokens: number): Partial<PaidReply> => ({
  maxTokens,
  usage: { ...usage, completionTokens },
});
const cut = (maxTokens: number): Partial<PaidReply> => ({ ...whole(maxTokens, maxTokens), finishReason: "length" });

const origin = { account: "attempt", provider: "deepseek", model: "m" } as const;
const asking = (key: string, worstCaseMicroUsd: number, rest: Partial<IntentRequest> = {}): IntentRequest => ({
  key,
  worstCaseMicroUsd,
  ...origin,
  questionId: "q1",
  ...rest,
});

let folder: string;
let path: string;
const journals: RequestJournal[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-journal-"));
  path = join(folder, "requests.jsonl");
});
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(): Promise<{ journal: RequestJournal; settled: SettledPurchase[] }> {
  const settled: SettledPurchase[] = [];
  const journal = await RequestJournal.open(path, { onSettled: (purchase) => settled.push(purchase) });
  journals.push(journal);
  return { journal, settled };
}

describe("request journal", () => {
  it("gives back what it was given, in this process and the next", async () => {
    const { journal } = await open();
    expect(journal.find(A, 100)).toBeUndefined();
    const stored = await journal.reply(await journal.intend(asking(A, 9)), reply);
    expect(await journal.read(stored)).toMatchObject({ ...reply, key: A });
    await journal.close();
    const again = await open();
    expect(await again.journal.read(again.journal.find(A, 100) as StoredReply)).toMatchObject(reply);
    expect(again.journal.recovery).toEqual({
      replies: 1,
      malformed: 0,
      openIntents: 0,
      possiblyPaidMicroUsd: 0,
      tornBytes: 0,
    });
    expect(again.settled).toEqual([{ ...origin, outcome: "reply", costMicroUsd: 7, basis: "measured", usage }]);
  });

  it("knows the open intents of a batch, whichever process announced them", async () => {
    const { journal } = await open();
    const first = await journal.intend(asking(A, 9, { batch: "batch-1" }));
    await journal.intend(asking(B, 8, { batch: "batch-1" }));
    await journal.intend(asking(B, 7, { batch: "batch-2" }));
    await journal.intend(asking(A, 6));
    await journal.reply(first, reply);
    const left = [{ key: B, purchase: 0, worstCaseMicroUsd: 8 }];
    expect(journal.openIntents("batch-1")).toEqual(left);
    await journal.close();
    const again = await open();
    expect(again.journal.openIntents("batch-1")).toEqual(left);
    await again.journal.unpaid({ key: B, purchase: 0 }, "not run");
    expect(again.journal.openIntents("batch-1")).toEqual([]);
    expect(again.journal.openIntents("batch-2")).toHaveLength(1);
    expect(again.journal.openIntents("batch-3")).toEqual([]);
  });

  it("has the intent on the disk before it resolves, and the reply likewise", async () => {
    const { journal } = await open();
    const intent = await journal.intend(asking(A, 9));
    expect(await readFile(path, "utf8")).toContain('"type":"intent"');
    await journal.reply(intent, reply);
    expect(await readFile(path, "utf8")).toContain('"type":"reply"');
  });

  it.each<[string, Partial<PaidReply>, number, boolean]>([
    ["ended by itself: any larger limit", {}, 5000, true],
    ["ended by itself: a smaller limit that it fits", {}, 50, true],
    ["ended by itself: not a limit that it exceeds", {}, 49, false],
    ["truncated: the same limit", { finishReason: "length" }, 100, true],
    ["truncated: a smaller limit", { finishReason: "length" }, 60, true],
    ["truncated: a larger limit too, for it is never bought again", { finishReason: "length" }, 101, true],
    ["longer than its own limit, as some count it", { maxTokens: 40 }, 40, true],
  ])("reuses a reply that %s", async (_case, change, maxTokens, isFound) => {
    const { journal } = await open();
    await journal.reply(await journal.intend(asking(A, 9)), { ...reply, ...change });
    expect(journal.find(A, maxTokens) !== undefined).toBe(isFound);
    expect(journal.find(B, maxTokens)).toBeUndefined();
  });

  it.each<[string, readonly Partial<PaidReply>[], number, number | undefined]>([
    ["whole one that a lower limit's cut one came after", [whole(900, 1000), cut(500)], 1000, 0],
    ["whole one under any larger limit", [whole(900, 1000), cut(500)], 9000, 0],
    ["cut one where the whole one does not fit", [whole(900, 1000), cut(500)], 500, 1],
    ["whole one that came after a cut one", [cut(500), whole(900, 1000)], 1000, 1],
    [
      "natural end before a filter's",
      [{ ...whole(900, 1000), finishReason: "content_filter" }, whole(300, 500)],
      1000,
      1,
    ],
    ["first whole one, as it was before another fitted too", [whole(900, 1000), whole(300, 500)], 1000, 0],
    ["cut one with the smallest limit that is as large", [cut(900), cut(400), cut(600)], 500, 2],
    ["cut one with the largest limit where none is", [cut(100), cut(400), cut(300)], 500, 1],
  ])("of several replies reuses the %s", async (_case, replies, maxTokens, wanted) => {
    const { journal } = await open();
    for (const [i, change] of replies.entries())
      await journal.reply(await journal.intend(asking(A, 9)), { ...reply, ...change, answer: `${i}` });
    await journal.close();
    const again = await open();
    for (const one of [journal, again.journal]) expect(one.find(A, maxTokens)?.purchase).toBe(wanted);
    const stored = again.journal.find(A, maxTokens) as StoredReply;
    expect(await again.journal.read(stored)).toMatchObject({ answer: `${wanted}`, purchase: wanted });
  });

  it("buys a cut one anew only where no whole one fits", async () => {
    const { journal } = await open();
    for (const change of [whole(900, 1000), cut(500)])
      await journal.reply(await journal.intend(asking(A, 9)), { ...reply, ...change });
    expect(journal.find(A, 1000, { retryCut: true })?.purchase).toBe(0);
    expect(journal.find(A, 800, { retryCut: true })).toBeUndefined();
    expect(journal.find(A, 500, { retryCut: true })?.purchase).toBe(1);
  });

  it("remembers what was refused under each limit", async () => {
    const { journal } = await open();
    await journal.unpaid(await journal.intend(asking(A, 9)), "too long", 1000);
    await journal.unpaid(await journal.intend(asking(A, 9)), "no", 500);
    await journal.close();
    for (const one of [journal, (await open()).journal])
      expect([1000, 500, 700].map((maxTokens) => one.refusal(A, maxTokens))).toEqual(["too long", "no", undefined]);
  });

  it("counts intents without an end at their worst case, each by itself", async () => {
    const { journal } = await open();
    await journal.intend(asking(A, 500)); // killed while in flight
    await journal.unpaid(await journal.intend(asking(A, 400)), "refused");
    await journal.reply(await journal.intend(asking(A, 300)), reply);
    await journal.intend(asking(B, 200));
    await journal.close();
    const { journal: again, settled } = await open();
    expect(again.recovery).toMatchObject({ replies: 1, openIntents: 2, possiblyPaidMicroUsd: 700 });
    expect(settled.map(({ costMicroUsd, basis }) => [costMicroUsd, basis])).toEqual([
      [7, "measured"],
      [500, "unknown"],
      [200, "unknown"],
    ]);
    const ended = await again.intend(asking(A, 300));
    await again.reply(ended, reply);
    await again.close();
    expect((await open()).journal.recovery.possiblyPaidMicroUsd).toBe(700); // a later reply does not end an earlier intent
  });

  it("books no free intents: nothing can have been billed", async () => {
    const { journal } = await open();
    await journal.intend(asking(A, 0));
    await journal.close();
    const { journal: again, settled } = await open();
    expect(again.recovery).toMatchObject({ openIntents: 1, possiblyPaidMicroUsd: 0 });
    expect(settled).toEqual([]);
  });

  it("remembers unusable replies and what they cost", async () => {
    const { journal } = await open();
    await journal.malformed(await journal.intend(asking(A, 9)), { detail: "not JSON", usage: null, costMicroUsd: 9 });
    await journal.malformed(await journal.intend(asking(A, 9)), { detail: "empty", usage, costMicroUsd: 4 });
    expect(journal.malformedReplies(A)).toEqual({ count: 2, lastDetail: "empty" });
    await journal.close();
    const { journal: again, settled } = await open();
    expect(again.malformedReplies(A)).toEqual({ count: 2, lastDetail: "empty" });
    expect(settled).toEqual([
      { ...origin, outcome: "malformed", costMicroUsd: 9, basis: "estimated" },
      { ...origin, outcome: "malformed", costMicroUsd: 4, basis: "measured", usage },
    ]);
  });

  it("repairs a torn tail: the reply that was being written counts as in flight", async () => {
    const { journal } = await open();
    await journal.reply(await journal.intend(asking(A, 9)), reply);
    await journal.intend(asking(B, 20));
    await journal.close();
    await appendFile(path, '{"schemaVersion":1,"type":"reply","key":"bbbb');
    const { journal: again } = await open();
    expect(again.recovery).toEqual({
      replies: 1,
      malformed: 0,
      openIntents: 1,
      possiblyPaidMicroUsd: 20,
      tornBytes: 45,
    });
    await again.reply(await again.intend(asking(B, 20)), reply);
    await again.close();
    expect((await open()).journal.recovery).toMatchObject({ replies: 2, tornBytes: 0, openIntents: 1 });
  });

  it("survives a cut at any byte: what stands before it is kept", async () => {
    const { journal } = await open();
    await journal.reply(await journal.intend(asking(A, 9)), reply);
    const firstEnd = (await readFile(path)).length;
    await journal.reply(await journal.intend(asking(B, 9)), reply);
    await journal.close();
    const whole = await readFile(path);
    for (let size = firstEnd; size < whole.length; size += 13) {
      await writeFile(path, whole.subarray(0, size));
      const { journal: cut } = await open();
      expect(await cut.read(cut.find(A, 100) as StoredReply)).toMatchObject(reply);
      expect(cut.find(B, 100)).toBeUndefined();
      await cut.close();
    }
  });

  it.each([
    ["file-corrupt", "{oops}"],
    ["record-invalid", '{"schemaVersion":1,"type":"reply"}'],
    ["schema-version", '{"schemaVersion":9,"type":"reply"}'],
  ])("names a broken line within (%s) and never advises to delete what was paid for", async (code, line) => {
    await writeFile(path, `${line}\n`);
    const error = await open().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringContaining(`${path}:1: `) as string });
    expect(String((error as { hint?: string }).hint)).not.toContain("delete the file");
  });
});

async function purchases(): Promise<JournalPurchase[]> {
  const all = [];
  for await (const purchase of readJournal(path)) all.push(purchase);
  return all;
}

describe("reading a journal without opening it", () => {
  it("tells every purchase with its origin and what became of it, the open ones last", async () => {
    const { journal } = await open();
    const timing = { firstTokenMs: 3, totalMs: 90 };
    await journal.intend(asking(B, 20, { batch: "b7" }));
    await journal.reply(await journal.intend(asking(A, 9)), { ...reply, timing });
    await journal.reply(await journal.intend(asking(A, 9)), { ...reply, finishReason: "length" });
    await journal.malformed(await journal.intend(asking(A, 9)), { detail: "empty", usage: null, costMicroUsd: 9 });
    await journal.unpaid(await journal.intend(asking(A, 9)), "HTTP 400");
    const { questionId: _none, ...job } = asking(A, 50, { account: "train" });
    await journal.charge(await journal.intend(job), { costMicroUsd: 44, isEstimated: true, detail: "3 epochs" });
    const all = await purchases();
    expect(all.map(({ purchase, outcome, costMicroUsd, basis }) => [purchase, outcome, costMicroUsd, basis])).toEqual([
      [0, "reply", 7, "measured"],
      [1, "truncated", 7, "measured"],
      [2, "malformed", 9, "estimated"],
      [3, "unpaid", 0, null],
      [4, "charge", 44, "estimated"],
      [0, "open", 20, "unknown"],
    ]);
    const none = { batch: null, timing: null, usage: null, maxTokens: null, finishReason: null, detail: "" };
    const asked = { ...origin, questionId: "q1" };
    expect(all[0]).toMatchObject({ ...asked, key: A, worstCaseMicroUsd: 9, usage, timing, maxTokens: 100 });
    expect(all[4]).toMatchObject({ ...origin, account: "train", questionId: null, detail: "3 epochs" });
    expect(all[5]).toMatchObject({ ...none, ...asked, key: B, batch: "b7", worstCaseMicroUsd: 20 });
  });

  it("ends an open purchase with what a person saw on the bill", async () => {
    const { journal } = await open();
    await journal.intend(asking(A, 500));
    await journal.intend(asking(B, 200));
    await journal.close();
    const { journal: again } = await open();
    const left = (await purchases()).filter(({ outcome }) => outcome === "open");
    expect(left.map(({ key }) => key)).toEqual([A, B]);
    await again.reconcile(left[0] as JournalPurchase, 120);
    await again.reconcile(left[1] as JournalPurchase, 0);
    await again.close();
    const { journal: third, settled } = await open();
    expect(third.recovery).toMatchObject({ openIntents: 0, possiblyPaidMicroUsd: 0 });
    expect(settled).toEqual([{ ...origin, outcome: "reconciled", costMicroUsd: 120, basis: "measured" }]);
    expect((await third.intend(asking(A, 1))).purchase).toBe(1);
  });

  it("reads journals of before there were accounts, for the teacher's they are", async () => {
    const common = { schemaVersion: 1, key: A, purchase: 0 };
    const lines = [
      { ...common, type: "intent", worstCaseMicroUsd: 9 },
      { ...common, type: "reply", ...reply },
    ];
    await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const before = { account: "trace", provider: null, model: null };
    expect((await open()).settled).toEqual([
      { ...before, outcome: "reply", costMicroUsd: 7, basis: "measured", usage },
    ]);
    expect(await purchases()).toMatchObject([{ ...before, questionId: null, outcome: "reply" }]);
  });

  it("leaves a line alone that is still being written, and finds nothing where there is no file", async () => {
    expect(await purchases()).toEqual([]);
    const { journal } = await open();
    await journal.intend(asking(A, 5));
    await appendFile(path, '{"schemaVersion":1,"type":"re');
    const size = (await readFile(path)).length;
    expect((await purchases()).map(({ outcome }) => outcome)).toEqual(["open"]);
    expect(await readFile(path)).toHaveLength(size);
  });
});
