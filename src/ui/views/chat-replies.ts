/** @file What was asked of a student and what came back so far. */
import type { ChatEnd, ChatEvents } from "../../report/page/chat-api.ts";
import type { MarkedReply } from "../../report/page/answer-view.ts";
import type { PageFault } from "../../report/page/page-api.ts";
import { FORCED_ANSWER } from "../../report/forced-text.ts";
import type { ReplyRun } from "../../report/run-results.ts";
import type { ChatEvent } from "../api/client.ts";
import { faultOf } from "../api/use-api.ts";

/** One reply, under way or ended. */
export interface ReplySoFar {
  /** Null: to its natural end. */
  readonly budgetTokens: number | null;
  readonly waits: number;
  readonly state: ChatEvents["state"]["is"] | "ended" | "stopped";
  readonly thinking: MarkedReply;
  readonly answer: MarkedReply;
  readonly end: ChatEnd | null;
  readonly fault: PageFault | null;
}

/** More characters of one part are counted, not shown. */
const MOST_CHARACTERS = 200_000;
const NOTHING: MarkedReply = { runs: [], left: 0 };

/** A reply of which nothing is known yet. */
export function emptyReply(budgetTokens: number | null, waits: number): ReplySoFar {
  return { budgetTokens, waits, state: "waiting", thinking: NOTHING, answer: NOTHING, end: null, fault: null };
}

/** Whether more of it will come. */
export function isUnderWay({ state }: ReplySoFar): boolean {
  return state !== "ended" && state !== "stopped";
}

/** Said where the server ended a reply without its end. */
const BROKEN_OFF: PageFault = { code: "network", message: "the reply broke off", hint: "ask again" };

/** Hears a reply to its end, and tells how it changes; what its signal does not end but something else is told as a fault. */
export async function hearReply(
  events: AsyncIterable<ChatEvent>,
  {
    signal,
    change,
  }: { readonly signal: AbortSignal; readonly change: (next: (reply: ReplySoFar) => ReplySoFar) => void },
): Promise<void> {
  try {
    for await (const event of events) change((reply) => withEvent(reply, event));
    const fault = signal.aborted ? null : BROKEN_OFF;
    change((reply) => (isUnderWay(reply) ? { ...reply, state: "stopped", fault } : reply));
  } catch (error) {
    change((reply) => ({ ...reply, state: "stopped", fault: signal.aborted ? null : faultOf(error) }));
  }
}

/** The reply after one more event. */
export function withEvent(reply: ReplySoFar, event: ChatEvent): ReplySoFar {
  switch (event.type) {
    case "state":
      return { ...reply, state: event.value.is };
    case "piece":
      return { ...reply, [event.value.part]: withPiece(reply[event.value.part], event.value) };
    case "end":
      return { ...reply, state: "ended", end: event.value, answer: answerOf(reply.answer, event.value) };
  }
}

/** How many passages of it the thinking budget wrote, as they are marked; delimiters are not shown, and do not count. */
export function forcedPassages({ thinking, answer }: ReplySoFar): number {
  return [...thinking.runs, ...answer.runs].filter(({ isForced }) => isForced).length;
}

/** What opens a forced answer is not told as it comes: it is a delimiter. */
function answerOf({ runs, left }: MarkedReply, { end }: ChatEnd): MarkedReply {
  return { runs: end === "cut" ? [FORCED_ANSWER, ...runs] : runs, left };
}

function withPiece({ runs, left }: MarkedReply, { text, isForced }: ReplyRun): MarkedReply {
  const length = runs.reduce((sum, run) => sum + run.text.length, 0);
  const shown = text.slice(0, Math.max(0, MOST_CHARACTERS - length));
  const last = runs.at(-1);
  const rest = left + text.length - shown.length;
  if (shown === "") return { runs, left: rest };
  if (last === undefined || last.isForced !== isForced)
    return { runs: [...runs, { text: shown, isForced }], left: rest };
  return { runs: [...runs.slice(0, -1), { text: last.text + shown, isForced }], left: rest };
}
