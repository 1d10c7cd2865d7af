import { expect, test } from "vitest";
import type { ChatEvent } from "../api/client.ts";
import { emptyReply, forcedPassages, hearReply, isUnderWay, type ReplySoFar, withEvent } from "./chat-replies.ts";

const piece = (text: string, isForced = false, part: "thinking" | "answer" = "thinking") =>
  ({ type: "piece", value: { part, text, isForced } }) as const;

test("pieces become runs, forced ones apart, until the end", () => {
  const end = { thinkingTokens: 3, answerTokens: 1, forcedTokens: 1, end: "natural" } as const;
  const reply = [
    { type: "state", value: { is: "thinking" } } as const,
    piece("a"),
    piece("b"),
    piece("Wait", true),
    piece("c"),
    piece("1", false, "answer"),
    { type: "end", value: end } as const,
  ].reduce(withEvent, emptyReply(8, 1));
  expect(reply).toMatchObject({ state: "ended", end, budgetTokens: 8, waits: 1 });
  expect(reply.thinking.runs.map(({ text, isForced }) => [text, isForced])).toEqual([
    ["ab", false],
    ["Wait", true],
    ["c", false],
  ]);
  expect(reply.answer).toEqual({ runs: [{ text: "1", isForced: false }], left: 0 });
});

test("the words that open a forced answer stand before it", () => {
  const end = { thinkingTokens: 8, answerTokens: 1, forcedTokens: 5, end: "cut" } as const;
  const events = [piece("ab"), piece("7", false, "answer"), { type: "end", value: end } as const];
  expect(events.reduce(withEvent, emptyReply(8, 0)).answer.runs).toEqual([
    { text: "Final Answer: ", isForced: true },
    { text: "7", isForced: false },
  ]);
});

test("counts as forced what is marked, and no delimiters", () => {
  const forcedOf = (events: readonly ChatEvent[]) => forcedPassages(events.reduce(withEvent, emptyReply(8, 0)));
  // A natural end without Waits has forced delimiters alone.
  const end = { thinkingTokens: 8, answerTokens: 1, forcedTokens: 4, end: "natural" } as const;
  expect(forcedOf([piece("ab"), piece("7", false, "answer"), { type: "end", value: end }])).toBe(0);
  const waited = [piece("a"), piece("\n", true), piece("Wait", true), piece("b"), piece("Wait", true), piece("c")];
  expect(forcedOf([...waited, { type: "end", value: end }])).toBe(2);
  expect(forcedOf([...waited, { type: "end", value: { ...end, end: "cut" } }])).toBe(3);
});

test("keeps so much of an endless thought, and counts the rest", () => {
  const { thinking } = [piece("x".repeat(150_000)), piece("x".repeat(60_000)), piece("y", true)].reduce(
    withEvent,
    emptyReply(null, 0),
  );
  expect([thinking.runs.length, thinking.runs[0]?.text.length, thinking.left]).toEqual([1, 200_000, 10_001]);
});

/** The reply as it stands when the stream of these events is over. */
async function heard(events: readonly ChatEvent[], signal = new AbortController().signal): Promise<ReplySoFar> {
  let reply = emptyReply(8, 0);
  const stream = async function* () {
    yield* events;
  };
  await hearReply(stream(), { signal, change: (next) => (reply = next(reply)) });
  return reply;
}

test("a stream that is over without an end is no reply that is under way", async () => {
  const reply = await heard([piece("ab")]);
  expect(isUnderWay(reply)).toBe(false);
  expect(reply).toMatchObject({ state: "stopped", fault: { code: "network" }, thinking: { runs: [{ text: "ab" }] } });
  const end = { thinkingTokens: 2, answerTokens: 1, forcedTokens: 0, end: "natural" } as const;
  expect(await heard([piece("ab"), { type: "end", value: end }])).toMatchObject({ state: "ended", fault: null });
  expect(await heard([], AbortSignal.abort())).toMatchObject({ state: "stopped", fault: null });
});
