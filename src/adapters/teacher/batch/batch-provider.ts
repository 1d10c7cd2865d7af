/** @file The port to a provider's batch API: many requests at once, at a discount, answered within hours. */
import type { TeacherError } from "../teacher.ts";

/** One request of a batch. */
export interface BatchItem {
  /** Comes back with its result: letters, digits and dashes, at most 64 characters, unique in the batch. */
  readonly id: string;
  /** The body of the direct API, as JSON text. */
  readonly body: string;
}

/** Requests that are sent together. */
export interface BatchShard {
  /** Our own name for it; goes to the provider wherever that keeps one. Every item's id begins with it. */
  readonly name: string;
  readonly items: readonly BatchItem[];
}

/** How a batch ended. `failed`: none of it was run. */
export type BatchEnd = "completed" | "cancelled" | "expired" | "failed";

/** Where a batch stands. */
export type BatchStatus =
  | { readonly type: "running" }
  | {
      readonly type: "ended";
      readonly how: BatchEnd;
      /** Replies that it says it made and so bills; null where it does not say. */
      readonly replies: number | null;
      /** Why it failed, in the provider's words. */
      readonly detail: string;
      /** Whether it failed for now only, for example because too much is enqueued. */
      readonly isForNow: boolean;
    };

/** What became of one request, or a line that tells of none. */
export type BatchRow =
  | {
      readonly type: "reply";
      readonly id: string /** What the direct API would have answered. */;
      readonly body: string;
    }
  | { readonly type: "refused"; readonly id: string /** Not billed. */; readonly error: TeacherError }
  | { readonly type: "not-run"; readonly id: string; readonly detail: string }
  | { readonly type: "unreadable"; readonly detail: string };

/** What is known of a batch that may have been started. */
export interface LostBatch {
  /** Its shard's name. */
  readonly name: string;
  /** How many requests it holds. */
  readonly count: number;
  /** Batches that are known to be others'. */
  readonly taken: ReadonlySet<string>;
}

/**
 * A batch looked for by name. `unsure`: one that runs may be it, or the list did not come to its end; ask again later.
 * Only what is certainly not there is `absent`, for then it is started anew.
 */
export type BatchFound =
  | { readonly type: "found"; readonly handle: string }
  | { readonly type: "absent" }
  | { readonly type: "unsure" };

/** Most pages of a provider's list that are looked through for a lost batch: against a list without an end. */
export const MAX_LIST_PAGES = 1000;

/** How much one batch may hold. */
export interface BatchLimits {
  readonly maxRequests: number;
  /** Of the whole upload. */
  readonly maxBytes: number;
}

/**
 * A batch API. Submitting has two steps, so that a crash between them, or a lost response, never buys twice: `prepare`
 * costs nothing and gives a reference to write down; `start` begins to bill, and what it began is found by that reference.
 * Every method throws {@link TeacherError}: `unavailable` nothing happened, later may work; `broken` it may have happened;
 * `run-refused` never.
 */
export interface BatchProvider {
  readonly limits: BatchLimits;
  prepare(shard: BatchShard, signal: AbortSignal): Promise<string>;
  start(shard: BatchShard, reference: string, signal: AbortSignal): Promise<string>;
  /** The batch that an earlier `start` of this name and reference began, as far as the provider lists it. */
  find(lost: LostBatch, reference: string, signal: AbortSignal): Promise<BatchFound>;
  poll(handle: string, signal: AbortSignal): Promise<BatchStatus>;
  /** The results so far, in any order; may be asked again and gives them all again. */
  collect(handle: string, signal: AbortSignal): AsyncIterable<BatchRow>;
  /** Asks for the rest not to be run; the batch ends some time after. */
  cancel(handle: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
