/** @file Which of the replies that were paid for one key answers a request: the one place that says so. Pure. */
import type { FinishReason } from "../../schema/records.ts";
import type { LineSpan } from "../store/append-log.ts";

/** Where a stored reply stands, and what is needed to tell whether it answers a request; its texts stay on the disk. */
export interface StoredReply {
  readonly span: LineSpan;
  /** How many intents of its key came before its own. */
  readonly purchase: number;
  /** Output limit it was made under. */
  readonly maxTokens: number;
  readonly finishReason: FinishReason;
  readonly completionTokens: number;
}

/** What is wanted of a reply. */
export interface ReplyWanted {
  readonly maxTokens: number;
  /** A reply that a smaller limit cut is none: it is to be bought anew. */
  readonly retryCut: boolean;
}

/**
 * The reply that answers; undefined: one must be bought. In this order, and of equals the first that was paid for, so that
 * what is bought under one limit changes nothing under another:
 *
 * 1. one that ended by itself, under any limit that it fits, and under the limit it was made under, however that counts;
 * 2. one that ended in another way (a filter, say), likewise;
 * 3. one that was cut, under every limit, for it is never bought again: the one with the smallest limit that is as large as
 *    the one wanted, else with the largest. What becomes of it is the caller's to decide.
 */
export function answeringReply(
  replies: readonly StoredReply[],
  { maxTokens, retryCut }: ReplyWanted,
): StoredReply | undefined {
  const ended = replies.filter((reply) => reply.finishReason !== "length" && fits(reply, maxTokens));
  const whole = ended.find(({ finishReason }) => finishReason === "stop") ?? ended[0];
  if (whole !== undefined) return whole;
  const cut = replies.filter(({ finishReason }) => finishReason === "length");
  const enough = cut.filter((reply) => reply.maxTokens >= maxTokens);
  if (enough.length > 0) return enough.reduce((best, reply) => (reply.maxTokens < best.maxTokens ? reply : best));
  if (cut.length === 0 || retryCut) return undefined;
  return cut.reduce((best, reply) => (reply.maxTokens > best.maxTokens ? reply : best));
}

function fits(reply: StoredReply, maxTokens: number): boolean {
  return reply.completionTokens <= maxTokens || reply.maxTokens === maxTokens;
}
