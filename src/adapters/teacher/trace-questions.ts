import { AppError } from "../../core/errors.ts";
import { type Question, SCHEMA_VERSION, type Trace, type TraceFailure } from "../../schema/records.ts";
import { type BatchTerms, buyThroughBatches } from "./batch/batch-buyer.ts";
import { addCounts, type BuyerCounts, type FailedPurchase, NOTHING_YET, type Purchase } from "./purchase.ts";
import { type PlanOptions, PurchasePlan, type ReplyPlace } from "./purchase-plan.ts";
import { type BuyerOptions, ReplyBuyer } from "./reply-buyer.ts";
import { canSalvage, nextPart, partKey, readJoined, type Salvage, type SalvageOptions } from "./salvage-replies.ts";

/** How questions are put to a teacher, and what becomes of its replies. */
export interface TraceOptions extends Omit<BuyerOptions, "onChange">, PlanOptions {
  /** What becomes of cut replies; unless told they are traces as they are. */
  readonly salvage?: Salvage;
  /** Tokens that going on with a cut reply may take; as many as `maxTokens` unless told. */
  readonly continueTokens?: number;
  /** Tokens for an answer that is asked for at once; 2,048, or `maxTokens` if that is less, unless told. */
  readonly answerTokens?: number;
  readonly onProgress?: (progress: TraceProgress) => void;
  /** Told that buying stopped early: what there is comes next, then the error. Absent: the error alone. */
  readonly onStopped?: () => void;
  /** Buys through the teacher's batch API, and directly what that does not bring in time; absent: all directly. */
  readonly batch?: BatchTerms;
}

/** How far tracing is. */
export interface TraceProgress extends BuyerCounts {
  /** Replies to have; grows where cut replies are gone on with. */
  readonly total: number;
  /** Of these, replies that the journal held from the start. */
  readonly fromJournal: number;
  /** Replies and failures so far, the journal's included. */
  readonly done: number;
  /** Of the whole ledger. */
  readonly spentMicroUsd: number;
}

/** A trace, or why there is none. */
export type TraceOutcome =
  | { readonly type: "trace"; readonly trace: Trace }
  | { readonly type: "failure"; readonly failure: TraceFailure };

const ANSWER_TOKENS = 2048;

/**
 * Asks the teacher every question, each so many times, and yields the outcomes ordered by question id and sample index,
 * whatever the order in which replies came: equal inputs and replies give equal output. First everything is bought into
 * the journal, then read from it. Prompts are rendered when they are sent and replies read when they are yielded, so
 * memory holds the questions, a key for each reply, and what is in flight.
 * @throws {AppError} see {@link ReplyBuyer.buy}. What was bought stays in the journal; asking again goes on from there.
 *   With `onStopped` the outcomes so far come before it.
 */
export async function* traceQuestions(
  questions: readonly Question[],
  options: TraceOptions,
): AsyncGenerator<TraceOutcome> {
  const plan = new PurchasePlan(questions, options);
  const tracing = new Tracing(plan, options);
  try {
    await tracing.buy();
  } catch (error) {
    if (options.onStopped === undefined) throw error;
    options.onStopped();
    yield* outcomesSoFar(plan, tracing.failed, options);
    throw error;
  }
  for (const place of plan) yield await outcomeOf(place, tracing.failed, options);
}

/** What there is when buying stops early. A cut reply that may be gone on with is no outcome yet. */
async function* outcomesSoFar(
  plan: PurchasePlan,
  failed: ReadonlyMap<string, FailedPurchase>,
  { signal: _aborted, ...options }: TraceOptions,
): AsyncGenerator<TraceOutcome> {
  const { journal, maxTokens } = options;
  const salvage = salvageOptions(options);
  const goesOn = salvage !== undefined && canSalvage(salvage);
  for (const place of plan) {
    if (!failed.has(place.key) && journal.find(place.key, maxTokens) === undefined) continue;
    const outcome = await outcomeOf(place, failed, options);
    if (goesOn && outcome.type === "failure" && outcome.failure.reason === "truncated") continue;
    yield outcome;
  }
}

/** Buys what the journal lacks, then what cut replies need. */
class Tracing {
  readonly #plan: PurchasePlan;
  readonly #options: TraceOptions;
  readonly #buyer: ReplyBuyer;
  /** The purchases given up, by key. */
  readonly failed = new Map<string, FailedPurchase>();
  #total = 0;
  #fromJournal = 0;
  #counts: BuyerCounts = NOTHING_YET;
  /** What was counted before the direct buyer began. */
  #before: BuyerCounts = NOTHING_YET;

  constructor(plan: PurchasePlan, options: TraceOptions) {
    this.#plan = plan;
    const onEnd: TraceOptions["onEnd"] = (purchase, failure) => {
      if (failure !== undefined) this.failed.set(purchase.key, failure);
      options.onEnd?.(purchase, failure);
    };
    this.#options = { ...options, retryCut: retriesCut(options), onEnd };
    this.#buyer = new ReplyBuyer({
      ...this.#options,
      onChange: (counts) => this.#changed(addCounts(this.#before, counts)),
    });
  }

  async buy(): Promise<void> {
    const missing = this.#missing();
    this.#changed(this.#counts);
    try {
      const wanted = this.#purchases((key) => missing.has(key));
      const { batch } = this.#options;
      if (batch === undefined) await this.#buyer.buy(wanted);
      else await this.#buyInBatches(wanted, batch);
      const salvage = salvageOptions(this.#options);
      if (salvage !== undefined && canSalvage(salvage)) await this.#salvage(salvage);
    } catch (error) {
      throw this.#withProgress(error);
    }
  }

  async #buyInBatches(purchases: Iterable<Purchase>, batch: BatchTerms): Promise<void> {
    const onChange = (counts: BuyerCounts): void => this.#changed(counts);
    await buyThroughBatches([...purchases], { ...this.#options, batch, onChange });
    this.#before = this.#counts;
  }

  #missing(): Set<string> {
    const { journal, maxTokens, retryCut = false } = this.#options;
    const missing = new Set<string>();
    for (const { key } of this.#unique()) {
      this.#total += 1;
      if (journal.find(key, maxTokens, { retryCut }) === undefined) missing.add(key);
      else this.#fromJournal += 1;
    }
    return missing;
  }

  /** Each reply once, though questions may render alike. */
  *#unique(): Generator<ReplyPlace> {
    const seen = new Set<string>();
    for (const place of this.#plan) {
      if (seen.has(place.key)) continue;
      seen.add(place.key);
      yield place;
    }
  }

  *#purchases(isWanted: (key: string) => boolean): Generator<Purchase> {
    for (const place of this.#unique()) if (isWanted(place.key)) yield this.#plan.purchase(place);
  }

  /** One part for each cut reply, round after round, until none needs another. */
  async #salvage(options: SalvageOptions): Promise<void> {
    for (let before = -1; before < this.#total; ) {
      before = this.#total;
      await this.#buyer.buy(this.#nextParts(options));
    }
  }

  async *#nextParts(options: SalvageOptions): AsyncGenerator<Purchase> {
    const { maxTokens } = this.#options;
    for (const first of this.#purchases((key) => options.journal.find(key, maxTokens)?.finishReason === "length")) {
      const next = nextPart(first, await readJoined(first, options), options);
      if (next === undefined || this.failed.has(next.key)) continue;
      this.#total += 1;
      yield next;
    }
  }

  #changed(counts: BuyerCounts): void {
    this.#counts = counts;
    const { ledger, onProgress } = this.#options;
    const [total, fromJournal] = [this.#total, this.#fromJournal];
    const done = fromJournal + counts.bought + counts.failed;
    onProgress?.({ ...counts, total, fromJournal, done, spentMicroUsd: ledger.snapshot().spentMicroUsd });
  }

  #withProgress(error: unknown): unknown {
    if (!(error instanceof AppError) || error.code !== "budget-exceeded") return error;
    const done = this.#fromJournal + this.#counts.bought;
    const { hint, data } = error;
    const message = `${error.message}; ${done} of ${this.#total} replies are there`;
    const details = { data: { ...data, done, total: this.#total }, cause: error };
    return new AppError(error.code, message, hint === undefined ? details : { hint, ...details });
  }
}

/** What is retried is asked anew where it is cut, too; but not where cut replies are gone on with: that is cheaper. */
function retriesCut(options: TraceOptions): boolean {
  const salvage = salvageOptions(options);
  return options.retryFailed === true && (salvage === undefined || !canSalvage(salvage));
}

function salvageOptions(options: TraceOptions): SalvageOptions | undefined {
  const { salvage: policy, teacher, price, journal, maxTokens } = options;
  if (policy === undefined) return undefined;
  const { continueTokens = maxTokens, answerTokens = Math.min(ANSWER_TOKENS, maxTokens) } = options;
  return { policy, teacher, price, journal, continueTokens, answerTokens };
}

async function outcomeOf(
  { key, question, sampleIndex }: ReplyPlace,
  failed: ReadonlyMap<string, FailedPurchase>,
  options: TraceOptions,
): Promise<TraceOutcome> {
  const { teacher, journal, price, maxTokens, signal } = options;
  if (signal?.aborted) throw new AppError("interrupted", "stopped while reading the journal", { cause: signal.reason });
  const questionId = question.id;
  const salvage = salvageOptions(options);
  const asIs = { policy: "drop", teacher, price, journal, continueTokens: 0, answerTokens: 0 } as const;
  const failure = (reason: string, detail: string): TraceOutcome => ({
    type: "failure",
    failure: { schemaVersion: SCHEMA_VERSION, questionId, sampleIndex, reason, detail },
  });
  const givenUp = failed.get(key);
  if (givenUp !== undefined) return failure(givenUp.reason, givenUp.detail);
  const joined = await readJoined({ key, maxTokens }, salvage ?? asIs);
  if (salvage !== undefined && joined.finishReason === "length") {
    const lost = failed.get(partKey(key, joined, salvage.policy));
    return failure("truncated", describeCut(joined.usage.completionTokens, salvage, lost));
  }
  const { thinking, answer, provenance, finishReason, usage, costMicroUsd } = joined;
  const identity = { schemaVersion: SCHEMA_VERSION, id: key, questionId, sampleIndex } as const;
  const origin = { provider: teacher.provider, model: teacher.model, provenance };
  const trace: Trace = { ...identity, ...origin, thinking, answer, finishReason, usage, costMicroUsd };
  return { type: "trace", trace };
}

function describeCut(tokens: number, salvage: SalvageOptions, lost: FailedPurchase | undefined): string {
  const cut = `cut after ${tokens} tokens, and kept in the journal`;
  if (lost !== undefined) return `${cut}; going on with it failed (${lost.reason}: ${lost.detail})`;
  if (salvage.policy !== "drop" && !canSalvage(salvage)) return `${cut}; this teacher cannot go on with it`;
  return cut;
}
