import { expect, it } from "vitest";
import { Ledger } from "../../../ledger/ledger.ts";
import { findPrice } from "../../../ledger/price-book.ts";
import type { RequestJournal } from "../../journal/request-journal.ts";
import type { TeacherReply } from "../teacher.ts";
import { ShardRows } from "./shard-rows.ts";

const reply: TeacherReply = {
  thinking: "",
  answer: "2",
  provenance: "hidden",
  finishReason: "stop",
  usage: { promptTokens: 5, completionTokens: 1, reasoningTokens: 0, isEstimated: true },
};

it("a reply that cannot be read for a fault of ours is possibly paid, and its money held no more", async () => {
  const ledger = new Ledger(10_000);
  const hold = ledger.hold("trace", 1000);
  if (!hold.granted) throw new Error("the ledger is full");
  const codec = {
    body: () => "",
    read: (): TeacherReply => {
      throw new Error("a bug");
    },
  };
  const price = findPrice("p", "m", { inputUsdPerMillion: 0, outputUsdPerMillion: 1 });
  const request = { key: "k", maxTokens: 1000, promptBytes: 20 };
  const rows = new ShardRows(
    { codec, price, ledger, journal: {} as RequestJournal, nowMs: () => 0, onEnd: () => undefined },
    "shard",
    new Map([["k", { hold, request, intent: { key: "k", purchase: 0 } }]]),
  );
  await expect(rows.takeAll([{ type: "reply", id: "shard-k", body: "{}" }])).rejects.toThrow("a bug");
  expect(ledger.snapshot()).toMatchObject({ heldMicroUsd: 0, stages: { trace: { unknownCalls: 1 } } });
});

it("a reply of a batch costs its worst case where nobody counted what it thought unseen, as a direct one does", async () => {
  const ledger = new Ledger(10_000);
  const hold = ledger.hold("trace", 1000);
  if (!hold.granted) throw new Error("the ledger is full");
  const kept: object[] = [];
  const journal = { reply: async (_intent: object, paid: object) => void kept.push(paid) } as unknown as RequestJournal;
  const price = findPrice("p", "m", { inputUsdPerMillion: 0, outputUsdPerMillion: 1 });
  const codec = { body: () => "", read: () => reply };
  const request = { key: "k", maxTokens: 1000, promptBytes: 20 };
  const rows = new ShardRows(
    { codec, price, ledger, journal, nowMs: () => 0, onEnd: () => undefined },
    "shard",
    new Map([["k", { hold, request, intent: { key: "k", purchase: 0 } }]]),
  );
  await rows.takeAll([{ type: "reply", id: "shard-k", body: "{}" }]);
  expect(ledger.snapshot().stages["trace"]).toMatchObject({ estimatedMicroUsd: 1000, calls: 1 });
  expect(kept).toMatchObject([{ costMicroUsd: 1000 }]);
});
