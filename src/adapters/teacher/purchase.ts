/** @file What is bought from a teacher, and how that went. */
import type { ChatMessage, SamplingParams } from "../../ledger/request-key.ts";
import type { PartialReply } from "./teacher.ts";

/** One reply to have. */
export interface Purchase {
  /** See `requestKey`. */
  readonly key: string;
  readonly questionId: string;
  readonly sampleIndex: number;
  readonly messages: readonly ChatMessage[];
  readonly params: SamplingParams;
  readonly maxTokens: number;
  /** Most that one try can cost. */
  readonly worstCaseMicroUsd: number;
  /** A cut reply that this one goes on with. */
  readonly goOnFrom?: PartialReply;
}

/** Why a reply cannot be had; `truncated`: it was cut, and is kept in the journal. */
export type FailureReason = "provider-permanent" | "malformed-reply" | "retries-exhausted" | "truncated";

/** A purchase given up. */
export interface FailedPurchase {
  readonly reason: FailureReason;
  readonly detail: string;
}

/** How one purchase went; goes to `timings.jsonl`, never into a record. */
export interface PurchaseTiming {
  readonly key: string;
  readonly questionId: string;
  readonly sampleIndex: number;
  readonly outcome: "reply" | FailureReason;
  readonly retries: number;
  /** From the first try to the end, pauses included. */
  readonly ms: number;
}

/** How far a buyer is. */
export interface BuyerCounts {
  readonly bought: number;
  readonly failed: number;
  readonly retries: number;
  /** Purchases that wait for holds of others to be settled. */
  readonly waitingForBudget: number;
}

/** A buyer that has not begun. */
export const NOTHING_YET: BuyerCounts = { bought: 0, failed: 0, retries: 0, waitingForBudget: 0 };

/** How far a buyer is that goes on where another ended; who waits for budget waits now. */
export function addCounts(before: BuyerCounts, now: BuyerCounts): BuyerCounts {
  return {
    bought: before.bought + now.bought,
    failed: before.failed + now.failed,
    retries: before.retries + now.retries,
    waitingForBudget: now.waitingForBudget,
  };
}
