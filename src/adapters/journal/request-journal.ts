/**
 * @file The journal of paid requests: `requests.jsonl`, append-only, keyed by request (see `requestKey`). An intent is on
 * the disk before a request is sent, the reply before it is used; so after a crash at any moment a reply that was
 * journalled is never bought again, and an intent without an end means "possibly paid" and counts at its worst case.
 */
import { AppError } from "../../core/errors.ts";
import { SCHEMA_VERSION, type Usage } from "../../schema/records.ts";
import { AppendLog, type AppendLogOptions, type LineSpan } from "../store/append-log.ts";
import { parseRecord } from "../store/jsonl.ts";
import { type FileLine, readLines } from "../store/read-lines.ts";
import { JournalLine, type ReplyLine } from "./journal-line.ts";
import {
  JournalPass,
  type JournalPurchase,
  readJournalLine,
  type SettledPurchase,
  settledPurchase,
} from "./journal-pass.ts";
import { answeringReply, type StoredReply } from "./stored-replies.ts";

/** A request to be announced. */
export interface IntentRequest {
  readonly key: string;
  readonly worstCaseMicroUsd: number;
  /** Stage on whose account it is bought: attempt, trace, judge, train, evaluate. */
  readonly account: string;
  /** The endpoint's name in the recipe. */
  readonly provider: string;
  readonly model: string;
  /** Absent for a job that is about no single question. */
  readonly questionId?: string;
  /** The provider's batch that it goes into. */
  readonly batch?: string;
}

/** A request that may be billed from now on; ends in `reply`, `malformed`, `unpaid` or `charge`, or stays open. */
export interface Intent {
  readonly key: string;
  readonly purchase: number;
}

/** An intent without an end, and the most that it can cost. */
export interface OpenIntent extends Intent {
  readonly worstCaseMicroUsd: number;
}

/** A paid reply, without what the journal adds. */
export type PaidReply = Omit<ReplyLine, "schemaVersion" | "type" | "key" | "purchase">;

/** A paid reply that cannot be used. */
export interface MalformedReply {
  readonly detail: string;
  readonly usage: Usage | null;
  readonly costMicroUsd: number;
  /** Present when the provider made a reply and withholds it for good, for this output limit. */
  readonly refusedAtMaxTokens?: number;
}

/** What a paid job that is no reply came to. */
export interface PaidCharge {
  readonly costMicroUsd: number;
  /** False when the provider told the amount. */
  readonly isEstimated: boolean;
  readonly detail: string;
}

/** What an earlier process left. */
export interface JournalRecovery {
  readonly replies: number;
  readonly malformed: number;
  /** Intents without an end: requests that may have been billed. Free ones are counted too. */
  readonly openIntents: number;
  readonly possiblyPaidMicroUsd: number;
  /** Size of a line that a crash cut off; 0 if there was none. */
  readonly tornBytes: number;
}

/** Options of {@link RequestJournal.open}. */
export interface RequestJournalOptions extends Omit<AppendLogOptions, "onTornLine"> {
  /** Told of every purchase of earlier processes that cost, or may have cost, something: fills a ledger. */
  readonly onSettled?: (purchase: SettledPurchase) => void;
}

interface KeyState {
  purchases: number;
  /** In the order in which they were paid; nearly always one at most. */
  replies: readonly StoredReply[];
  malformed: number;
  lastMalformed: string;
  /** By output limit. */
  refusals?: Map<number, string>;
  /** Details of its charges. */
  charges?: string[];
}

/** The journal of one run folder. One process at a time (the run's lock sees to that). */
export class RequestJournal {
  readonly recovery: JournalRecovery;
  readonly #log: AppendLog;
  readonly #keys: Map<string, KeyState>;
  readonly #batches: BatchedIntents;
  readonly #busy = new Map<string, Promise<void>>();

  private constructor(log: AppendLog, { keys, batches }: JournalReading, recovery: JournalRecovery) {
    this.#log = log;
    this.#keys = keys;
    this.#batches = batches;
    this.recovery = recovery;
  }

  /**
   * Opens or makes a journal, repairs a torn last line, and reads what is there.
   * @throws {AppError} `file-corrupt`, `record-invalid` or `schema-version`, with file and line; `disk-full`.
   */
  static async open(path: string, { onSettled, ...options }: RequestJournalOptions = {}): Promise<RequestJournal> {
    let tornBytes = 0;
    const log = await AppendLog.open(path, { ...options, onTornLine: ({ sizeBytes }) => (tornBytes = sizeBytes) });
    try {
      const reading = new JournalReading(onSettled ?? (() => undefined));
      for await (const line of readLines(path)) reading.take(readJournalLine(path, line), line);
      return new RequestJournal(log, reading, { ...reading.finish(), tornBytes });
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /**
   * The stored reply that answers a request with this output limit, if any: {@link answeringReply} says which.
   *
   * @param retryCut what a smaller limit cut is to be bought anew.
   */
  find(key: string, maxTokens: number, { retryCut = false } = {}): StoredReply | undefined {
    return answeringReply(this.#keys.get(key)?.replies ?? NONE, { maxTokens, retryCut });
  }

  /** How many unusable replies were paid for this key, and what was wrong with the last. */
  malformedReplies(key: string): { readonly count: number; readonly lastDetail: string } {
    const state = this.#keys.get(key);
    return { count: state?.malformed ?? 0, lastDetail: state?.lastMalformed ?? "" };
  }

  /** Why the provider will never take a request with this output limit, where it said so. */
  refusal(key: string, maxTokens: number): string | undefined {
    return this.#keys.get(key)?.refusals?.get(maxTokens);
  }

  /** Reads a stored reply back from the disk. */
  async read(stored: StoredReply): Promise<ReplyLine> {
    const line = parseRecord(this.#log.path, { number: 0, bytes: await this.#log.read(stored.span) }, JournalLine);
    if (line.type === "reply") return line;
    throw new AppError("file-corrupt", `${this.#log.path}: byte ${stored.span.offset} holds no reply`);
  }

  /** Does `work` when nobody else here is at this key: two who want the same reply at once must not both buy it. */
  async exclusively(key: string, work: () => Promise<void>): Promise<void> {
    for (let other = this.#busy.get(key); other !== undefined; other = this.#busy.get(key))
      await other.catch(() => undefined);
    const own = work();
    this.#busy.set(key, own);
    try {
      await own;
    } finally {
      this.#busy.delete(key);
    }
  }

  /** Announces a request; resolves when that is on the disk. Only then may it be sent. */
  async intend(request: IntentRequest): Promise<Intent> {
    const state = stateOf(this.#keys, request.key);
    const intent = { key: request.key, purchase: state.purchases };
    state.purchases += 1;
    await this.#append({ schemaVersion: SCHEMA_VERSION, type: "intent", ...request, ...intent });
    const { batch, worstCaseMicroUsd } = request;
    if (batch !== undefined) this.#batches.add(batch, { ...intent, worstCaseMicroUsd });
    return intent;
  }

  /** The intents of a batch that have no end, whichever process announced them: the batch may bring their replies yet. */
  openIntents(batch: string): readonly OpenIntent[] {
    return this.#batches.of(batch);
  }

  /** Keeps a paid reply; resolves when it is on the disk. Only then may it be used. */
  async reply({ key, purchase }: Intent, reply: PaidReply): Promise<StoredReply> {
    const span = await this.#append({ schemaVersion: SCHEMA_VERSION, type: "reply", key, purchase, ...reply });
    return keepReply(stateOf(this.#keys, key), span, { purchase, ...reply });
  }

  /** Keeps that a reply was paid for and cannot be used. */
  async malformed({ key, purchase }: Intent, reply: MalformedReply): Promise<void> {
    await this.#append({ schemaVersion: SCHEMA_VERSION, type: "malformed", key, purchase, ...reply });
    const state = stateOf(this.#keys, key);
    countMalformed(state, reply.detail);
    noteRefusal(state, reply);
  }

  /**
   * Ends an intent for which nothing was billed.
   *
   * @param refusedAtMaxTokens present when the provider will never take this request with this output limit.
   */
  async unpaid({ key, purchase }: Intent, detail: string, refusedAtMaxTokens?: number): Promise<void> {
    const refused = refusedAtMaxTokens === undefined ? {} : { refusedAtMaxTokens };
    await this.#append({ schemaVersion: SCHEMA_VERSION, type: "unpaid", key, purchase, detail, ...refused });
    noteRefusal(stateOf(this.#keys, key), { detail, ...refused });
  }

  /** Ends the intent of a paid job that is no reply, such as a fine-tune. */
  async charge({ key, purchase }: Intent, charge: PaidCharge): Promise<void> {
    await this.#append({ schemaVersion: SCHEMA_VERSION, type: "charge", key, purchase, ...charge });
    noteCharge(stateOf(this.#keys, key), charge);
  }

  /** Whether a job with these details was charged: after a crash it must not be charged twice. */
  isCharged(key: string, detail: string): boolean {
    return this.#keys.get(key)?.charges?.includes(detail) ?? false;
  }

  /** Ends an intent that an earlier process left open with what the provider's bill says; 0: it was never billed. */
  async reconcile({ key, purchase }: Intent, costMicroUsd: number): Promise<void> {
    await this.#append({ schemaVersion: SCHEMA_VERSION, type: "reconciled", key, purchase, costMicroUsd });
  }

  /** Waits for what is pending and closes the file; may be called twice. */
  close(): Promise<void> {
    return this.#log.close();
  }

  async #append(line: JournalLine): Promise<LineSpan> {
    const span = await this.#log.append(line);
    if (line.type !== "intent") this.#batches.end(line);
    return span;
  }
}

/** The open intents of batches. */
class BatchedIntents {
  readonly #byBatch = new Map<string, Map<string, OpenIntent>>();
  readonly #batchOf = new Map<string, string>();

  add(batch: string, intent: OpenIntent): void {
    const id = `${intent.key}/${intent.purchase}`;
    const intents = this.#byBatch.get(batch) ?? new Map<string, OpenIntent>();
    this.#byBatch.set(batch, intents.set(id, intent));
    this.#batchOf.set(id, batch);
  }

  end({ key, purchase }: Intent): void {
    const id = `${key}/${purchase}`;
    const batch = this.#batchOf.get(id);
    if (batch === undefined) return;
    this.#batchOf.delete(id);
    const intents = this.#byBatch.get(batch);
    intents?.delete(id);
    if (intents?.size === 0) this.#byBatch.delete(batch);
  }

  of(batch: string): readonly OpenIntent[] {
    return [...(this.#byBatch.get(batch)?.values() ?? [])];
  }
}

/** Builds the index from the lines of a file, in order. */
class JournalReading {
  readonly keys = new Map<string, KeyState>();
  readonly batches = new BatchedIntents();
  readonly #pass = new JournalPass();
  readonly #onSettled: (purchase: SettledPurchase) => void;
  #replies = 0;
  #malformed = 0;

  constructor(onSettled: (purchase: SettledPurchase) => void) {
    this.#onSettled = onSettled;
  }

  take(line: JournalLine, { offset, bytes }: FileLine): void {
    const state = stateOf(this.keys, line.key);
    state.purchases = Math.max(state.purchases, line.purchase + 1);
    if (line.type === "reply") {
      this.#replies += 1;
      keepReply(state, { offset, sizeBytes: bytes.length }, line);
    }
    if (line.type === "malformed") {
      this.#malformed += 1;
      countMalformed(state, line.detail);
    }
    if (line.type === "charge") noteCharge(state, line);
    if (line.type === "unpaid" || line.type === "malformed") noteRefusal(state, line);
    const purchase = this.#pass.take(line);
    if (purchase !== undefined) this.#settle(purchase);
  }

  finish(): Omit<JournalRecovery, "tornBytes"> {
    let openIntents = 0;
    let possiblyPaidMicroUsd = 0;
    for (const purchase of this.#pass.open()) {
      openIntents += 1;
      possiblyPaidMicroUsd += purchase.costMicroUsd;
      const { key, purchase: number, worstCaseMicroUsd, batch } = purchase;
      if (batch !== null) this.batches.add(batch, { key, purchase: number, worstCaseMicroUsd });
      this.#settle(purchase);
    }
    return { replies: this.#replies, malformed: this.#malformed, openIntents, possiblyPaidMicroUsd };
  }

  #settle(purchase: JournalPurchase): void {
    const settled = settledPurchase(purchase);
    if (settled !== undefined) this.#onSettled(settled);
  }
}

const NONE: readonly StoredReply[] = [];

function stateOf(keys: Map<string, KeyState>, key: string): KeyState {
  let state = keys.get(key);
  if (state === undefined) keys.set(key, (state = { purchases: 0, replies: NONE, malformed: 0, lastMalformed: "" }));
  return state;
}

function noteCharge(state: KeyState, { detail }: Pick<PaidCharge, "detail">): void {
  (state.charges ??= []).push(detail);
}

function noteRefusal(
  state: KeyState,
  { detail, refusedAtMaxTokens }: { readonly detail: string; readonly refusedAtMaxTokens?: number | undefined },
): void {
  if (refusedAtMaxTokens !== undefined) (state.refusals ??= new Map<number, string>()).set(refusedAtMaxTokens, detail);
}

function countMalformed(state: KeyState, detail: string): void {
  state.malformed += 1;
  state.lastMalformed = detail;
}

type IndexedReply = Pick<ReplyLine, "purchase" | "maxTokens" | "finishReason" | "usage">;

function keepReply(state: KeyState, span: LineSpan, reply: IndexedReply): StoredReply {
  const { purchase, maxTokens, finishReason, usage } = reply;
  const stored = { span, purchase, maxTokens, finishReason, completionTokens: usage.completionTokens };
  state.replies = state.replies.concat(stored); // `push` and spreading make room for 17 at the first
  return stored;
}
