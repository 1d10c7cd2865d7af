import { describe, expect, it } from "vitest";
import { Ledger } from "../../../ledger/ledger.ts";
import { findPrice } from "../../../ledger/price-book.ts";
import type { RequestJournal } from "../../journal/request-journal.ts";
import { TeacherError, type TeacherReply } from "../teacher.ts";
import { type RowEnd, ShardRows } from "./shard-rows.ts";

/** One row of a batch, its worst case 1,000, that reads as told. */
async function take(read: () => TeacherReply) {
  const ledger = new Ledger(10_000);
  const hold = ledger.hold("trace", 1000);
  if (!hold.granted) throw new Error("the ledger is full");
  const kept: object[] = [];
  const keep = async (_intent: object, line: object): Promise<void> => void kept.push(line);
  const unpaid = async (_intent: object, detail: string, refusedAtMaxTokens?: number): Promise<void> =>
    void kept.push({ unpaid: detail, refusedAtMaxTokens });
  const journal = { reply: keep, malformed: keep, unpaid } as unknown as RequestJournal;
  const price = findPrice("p", "m", { inputUsdPerMillion: 0, outputUsdPerMillion: 1 });
  const request = { key: "k", maxTokens: 1000, promptBytes: 20 };
  const ends: RowEnd[] = [];
  const rows = new ShardRows(
    { codec: { body: () => "", read }, price, ledger, journal, nowMs: () => 0, onEnd: (_key, end) => ends.push(end) },
    "shard",
    new Map([["k", { hold, request, intent: { key: "k", purchase: 0 } }]]),
  );
  const failed = await rows.takeAll([{ type: "reply", id: "shard-k", body: "{}" }]).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { ledger: ledger.snapshot(), kept, ends, failed };
}

const refuse = (error: Error) => (): never => {
  throw error;
};

describe("a reply of a batch costs what a direct one does", () => {
  it("its worst case where nobody counted what it thought unseen", async () => {
    const usage = { promptTokens: 5, completionTokens: 1, reasoningTokens: 0, isEstimated: true };
    const reply: TeacherReply = { thinking: "", answer: "2", provenance: "hidden", finishReason: "stop", usage };
    const { ledger, kept } = await take(() => reply);
    expect(ledger.stages["trace"]).toMatchObject({ estimatedMicroUsd: 1000, calls: 1 });
    expect(kept).toMatchObject([{ costMicroUsd: 1000 }]);
  });

  it("its worst case where it is withheld and nobody counted it", async () => {
    const { ledger, kept, ends } = await take(refuse(new TeacherError("withheld", "SAFETY")));
    expect(ledger.stages["trace"]).toMatchObject({ estimatedMicroUsd: 1000, calls: 1 });
    expect(kept).toEqual([{ detail: "SAFETY", usage: null, costMicroUsd: 1000, refusedAtMaxTokens: 1000 }]);
    expect(ends).toEqual([{ type: "refused", detail: "SAFETY" }]);
  });

  it("nothing where its prompt was refused", async () => {
    const { ledger, kept, ends } = await take(refuse(new TeacherError("row-refused", "blocked")));
    expect(ledger).toMatchObject({ spentMicroUsd: 0, heldMicroUsd: 0 });
    expect(kept).toEqual([{ unpaid: "blocked", refusedAtMaxTokens: 1000 }]);
    expect(ends).toEqual([{ type: "refused", detail: "blocked" }]);
  });
});

it("a reply that cannot be read for a fault of ours is possibly paid, and its money held no more", async () => {
  const bug = new Error("a bug");
  const { ledger, failed } = await take(refuse(bug));
  expect(failed).toBe(bug);
  expect(ledger).toMatchObject({ heldMicroUsd: 0, stages: { trace: { unknownCalls: 1 } } });
});
