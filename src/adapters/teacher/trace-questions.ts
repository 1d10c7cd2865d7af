import { AppError } from "../../core/errors.ts";
import { maxPromptTokens, tokenCost } from "../../ledger/price-book.ts";
import { type ChatMessage, requestKey, type SamplingParams } from "../../ledger/request-key.ts";
import { type Question, SCHEMA_VERSION, type Trace, type TraceFailure } from "../../schema/records.ts";
import { type BatchTerms, buyThroughBatches } from "./batch/batch-buyer.ts";
import type { BuyerCounts, FailedPurchase, Purchase } from "./purchase.ts";
import { type BuyerOptions, ReplyBuyer } from "./reply-buyer.ts";

/** How questions are put to a teacher. */
export interface TraceOptions extends Omit<BuyerOptions, "onChange"> {
  readonly samplesPerQuestion: number;
  readonly params?: SamplingParams;
  /** Cap on thinking and answer together, tokens. */
  readonly maxTokens: number;
  /** The chat that puts a question; the question's text as the user's only message unless told. */
  readonly render?: (question: Question) => readonly ChatMessage[];
  readonly onProgress?: (progress: TraceProgress) => void;
  /** Buys through the teacher's batch API, and directly what that does not bring in time; absent: all directly. */
  readonly batch?: BatchTerms;
}

/** How far tracing is. */
export interface TraceProgress extends BuyerCounts {
  /** Replies to have. */
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

/**
 * Asks the teacher every question, each so many times, and yields the outcomes ordered by question id and sample index,
 * whatever the order in which replies came: equal inputs and replies give equal output. First everything is bought into
 * the journal, then read from it, so memory does not grow with the traces and nothing is bought twice.
 * @throws {AppError} see {@link ReplyBuyer.buy}. What was bought stays in the journal; asking again goes on from there.
 */
export async function* traceQuestions(
  questions: readonly Question[],
  options: TraceOptions,
): AsyncGenerator<TraceOutcome> {
  const purchases = planPurchases(questions, options);
  const failed = await buyMissing(purchases, options);
  for (const purchase of purchases) yield await outcomeOf(purchase, failed.get(purchase.key), options);
}

/**
 * Every reply that tracing the questions needs, in the order in which outcomes are yielded. Where `params.seed` is given,
 * sample i is asked with `seed + i`. Pure.
 */
export function planPurchases(
  questions: readonly Question[],
  options: Pick<TraceOptions, "teacher" | "price" | "samplesPerQuestion" | "params" | "maxTokens" | "render">,
): Purchase[] {
  const { teacher, price, samplesPerQuestion, params = {}, maxTokens, render = askPlainly } = options;
  const ordered = [...questions].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return ordered.flatMap((question) => {
    const messages = render(question);
    const usage = { promptTokens: maxPromptTokens(messages), completionTokens: maxTokens };
    const worstCaseMicroUsd = tokenCost(price, usage);
    return Array.from({ length: samplesPerQuestion }, (_, sampleIndex) => {
      const own = params.seed === undefined ? params : { ...params, seed: params.seed + sampleIndex };
      const identity = { provider: teacher.provider, model: teacher.model, messages, params: own, sampleIndex };
      const key = requestKey(identity);
      return { key, questionId: question.id, sampleIndex, messages, params: own, maxTokens, worstCaseMicroUsd };
    });
  });
}

const askPlainly = (question: Question): ChatMessage[] => [{ role: "user", content: question.text }];

async function buyMissing(purchases: readonly Purchase[], options: TraceOptions): Promise<Map<string, FailedPurchase>> {
  const { journal, ledger, onProgress } = options;
  const unique = [...new Map(purchases.map((purchase) => [purchase.key, purchase])).values()];
  const missing = unique.filter(({ key, maxTokens }) => journal.find(key, maxTokens) === undefined);
  const total = unique.length;
  const fromJournal = total - missing.length;
  const onChange = (counts: BuyerCounts): void => {
    const done = fromJournal + counts.bought + counts.failed;
    onProgress?.({ ...counts, total, fromJournal, done, spentMicroUsd: ledger.snapshot().spentMicroUsd });
  };
  onChange({ bought: 0, failed: 0, retries: 0, waitingForBudget: 0 });
  const { batch } = options;
  if (batch === undefined) return await new ReplyBuyer({ ...options, onChange }).buy(missing);
  // An earlier run's batches are settled even where nothing is missing: their money is held.
  return await buyThroughBatches(missing, { ...options, batch, onChange });
}

async function outcomeOf(
  { key, questionId, sampleIndex, maxTokens }: Purchase,
  failed: FailedPurchase | undefined,
  { teacher, journal, signal }: TraceOptions,
): Promise<TraceOutcome> {
  if (signal?.aborted) throw new AppError("interrupted", "stopped while reading the journal", { cause: signal.reason });
  if (failed !== undefined) {
    const { reason, detail } = failed;
    return { type: "failure", failure: { schemaVersion: SCHEMA_VERSION, questionId, sampleIndex, reason, detail } };
  }
  const stored = journal.find(key, maxTokens);
  if (stored === undefined) throw new Error(`bug in grappa: reply ${key} was bought and is not in the journal`);
  const { thinking, answer, provenance, finishReason, usage, costMicroUsd } = await journal.read(stored);
  const identity = { schemaVersion: SCHEMA_VERSION, id: key, questionId, sampleIndex } as const;
  const origin = { provider: teacher.provider, model: teacher.model, provenance };
  const trace: Trace = { ...identity, ...origin, thinking, answer, finishReason, usage, costMicroUsd };
  return { type: "trace", trace };
}
