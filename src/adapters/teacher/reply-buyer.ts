/**
 * @file Buys the replies that the journal does not hold yet: so many at once, each under a hold of the ledger, each with
 * an intent in the journal before it is sent and its reply there before it counts. Never buys past the cap.
 */
import { setMaxListeners } from "node:events";
import { AppError } from "../../core/errors.ts";
import type { Ledger, Refusal } from "../../ledger/ledger.ts";
import type { Price } from "../../ledger/price-book.ts";
import type { RequestJournal } from "../journal/request-journal.ts";
import { BudgetGate, overBudget } from "./budget-gate.ts";
import type { FlowLimits } from "./flow-control.ts";
import { FlowGate, type FlowGates } from "./flow-gate.ts";
import type { BuyerCounts, FailedPurchase, Purchase, PurchaseTiming } from "./purchase.ts";
import { GivenUp, OutOfBudget, PurchaseTries, type TryContext } from "./purchase-tries.ts";
import type { Waiting } from "./retry-delay.ts";
import type { Teacher, TeacherError } from "./teacher.ts";

/** What a buyer works with. */
export interface BuyerOptions {
  readonly teacher: Teacher;
  readonly price: Price;
  readonly ledger: Ledger;
  /** Stage on whose account it buys. */
  readonly stage: string;
  readonly journal: RequestJournal;
  /** Requests in flight at most. */
  readonly concurrency: number;
  /** What the provider allows a minute, as declared. */
  readonly limits?: Omit<FlowLimits, "concurrency">;
  /** Shared with other buyers, so that all who ask a model keep to its limits together; alone unless told. */
  readonly flows?: FlowGates;
  /** Tries of one request after the first, where the server failed or the connection broke. */
  readonly maxRetries: number;
  /** Longest time from the first failed try of a request to its last, ms; 15 minutes unless told. */
  readonly retryBudgetMs?: number;
  /** Tries again what earlier processes gave up: refused for good, or malformed too often. */
  readonly retryFailed?: boolean;
  /** Buys anew what a smaller output limit cut. */
  readonly retryCut?: boolean;
  readonly waiting: Waiting;
  readonly signal?: AbortSignal;
  readonly onTiming?: (timing: PurchaseTiming) => void;
  /** Told of each purchase as it ends: bought and in the journal (undefined), or given up. */
  readonly onEnd?: (purchase: Purchase, failed: FailedPurchase | undefined) => void;
  /** Told of each failure that is tried again, before the pause. */
  readonly onRetry?: (error: TeacherError) => void;
  /** Told after each purchase that ends, and after each retry. */
  readonly onChange?: (counts: BuyerCounts) => void;
}

/** So many purchases in a row given up, none bought between: the fault is not theirs. */
const MAX_FAILURES_IN_A_ROW = 20;

/** Purchases to make, in a list or as they come. */
export type Purchases = Iterable<Purchase> | AsyncIterable<Purchase>;

/** See the file's head. One `buy` at a time for each buyer. */
export class ReplyBuyer {
  readonly #options: BuyerOptions;
  readonly #context: TryContext;
  /** Aborted when the caller stops: requests in flight are given up. */
  readonly #asking = new AbortController();
  /** Aborted when nothing new may start: requests in flight are awaited, for they are paid. */
  readonly #starting = new AbortController();
  #stopCause: unknown;
  #failuresInARow = 0;
  readonly #counts = { bought: 0, failed: 0, retries: 0, waitingForBudget: 0 };

  constructor(options: BuyerOptions) {
    const { ledger, teacher, concurrency, limits, flows, waiting } = options;
    this.#options = options;
    const flowLimits = { ...limits, concurrency };
    this.#context = {
      options,
      budget: BudgetGate.of(ledger),
      flow: flows?.of(teacher, flowLimits) ?? new FlowGate(flowLimits, waiting),
      asking: this.#asking.signal,
      starting: this.#starting.signal,
      onRetry: (error) => {
        this.#counts.retries += 1;
        options.onRetry?.(error);
        this.#changed();
      },
      onWaiting: (isWaiting) => {
        this.#counts.waitingForBudget += isWaiting ? 1 : -1;
        this.#changed();
      },
    };
    setMaxListeners(0, this.#starting.signal); // whoever waits listens until it ends: no leak
  }

  /**
   * Buys every reply once that the journal does not answer, taking purchases as there is room for them. What is bought is
   * kept whatever happens.
   * @returns the purchases given up, by key.
   * @throws {AppError} `budget-exceeded`; `interrupted`; `provider-permanent` when no request can work; `disk-full`; or
   * `provider` when 20 purchases in a row were given up, or the provider refused for as long as `retryBudgetMs`.
   */
  async buy(purchases: Purchases): Promise<Map<string, FailedPurchase>> {
    const failed = new Map<string, FailedPurchase>();
    const { signal, concurrency } = this.#options;
    const onAbort = (): void => {
      this.#asking.abort();
      this.#stop(interruption(signal));
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const source = iterate(purchases);
    const work = async (): Promise<void> => {
      while (!this.#starting.signal.aborted) {
        const { done, value } = await source.next();
        if (done) return;
        await this.#complete(value, failed);
      }
    };
    const stopped = (error: unknown): void => this.#stop(error);
    await Promise.all(Array.from({ length: concurrency }, () => work().catch(stopped)));
    signal?.removeEventListener("abort", onAbort);
    if (!this.#starting.signal.aborted) return failed;
    await source.return?.();
    throw this.#stopCause instanceof OutOfBudget ? this.#overBudget(this.#stopCause.refusal) : this.#stopCause;
  }

  async #complete(purchase: Purchase, failed: Map<string, FailedPurchase>): Promise<void> {
    const { waiting, onTiming } = this.#options;
    const { key, questionId, sampleIndex } = purchase;
    const start = waiting.now();
    const tries = new PurchaseTries(purchase, this.#context);
    const givenUp = await tries.obtain().then(
      () => undefined,
      (error: unknown) => (error instanceof GivenUp ? error.failed : Promise.reject(error)),
    );
    const outcome = givenUp?.reason ?? "reply";
    onTiming?.({ key, questionId, sampleIndex, outcome, retries: tries.retries, ms: waiting.now() - start });
    if (givenUp === undefined) {
      this.#counts.bought += 1;
      this.#failuresInARow = 0;
    } else {
      failed.set(key, givenUp);
      this.#counts.failed += 1;
    }
    this.#options.onEnd?.(purchase, givenUp);
    this.#changed();
    if (givenUp !== undefined) this.#watchFailures(givenUp);
  }

  /** Starts nothing more, for this cause; the first cause counts. */
  #stop(cause: unknown): void {
    if (this.#starting.signal.aborted) return;
    this.#stopCause = cause;
    this.#starting.abort();
  }

  #watchFailures({ reason, detail }: FailedPurchase): void {
    if (reason === "malformed-reply") return; // the teacher works; this reply does not
    this.#failuresInARow += 1;
    if (this.#failuresInARow < MAX_FAILURES_IN_A_ROW) return;
    throw new AppError("provider", `${MAX_FAILURES_IN_A_ROW} requests in a row failed; the last: ${detail}`, {
      hint: "see whether the teacher is up and takes these requests, then run again: what is bought is kept",
      data: { reason },
      isRetryable: true,
    });
  }

  /** What is left once everything in flight is settled, and what there is for the money. */
  #overBudget({ microUsd }: Refusal): AppError {
    const { capMicroUsd, spentMicroUsd, heldMicroUsd } = this.#options.ledger.snapshot();
    const amounts = { microUsd, capMicroUsd, spentMicroUsd, heldMicroUsd };
    return overBudget(amounts, { lower: "trace.teacher.maxTokens", data: { bought: this.#counts.bought } });
  }

  #changed(): void {
    this.#options.onChange?.({ ...this.#counts });
  }
}

function interruption(signal: AbortSignal | undefined): AppError {
  if (signal?.reason instanceof AppError) return signal.reason;
  return new AppError("interrupted", "stopped while asking the teacher", {
    hint: "run again: what is bought is kept",
    cause: signal?.reason,
  });
}

function iterate(purchases: Purchases): Iterator<Purchase> | AsyncIterator<Purchase> {
  return Symbol.asyncIterator in purchases ? purchases[Symbol.asyncIterator]() : purchases[Symbol.iterator]();
}
