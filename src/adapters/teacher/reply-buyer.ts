/**
 * @file Buys the replies that the journal does not hold yet: so many at once, each under a hold of the ledger, each with
 * an intent in the journal before it is sent and its reply there before it counts. Never buys past the cap.
 */
import { AppError } from "../../core/errors.ts";
import type { Hold, Ledger } from "../../ledger/ledger.ts";
import { type Price, tokenCost } from "../../ledger/price-book.ts";
import { costBasis } from "../journal/journal-pass.ts";
import type { Intent, RequestJournal } from "../journal/request-journal.ts";
import { BudgetGate } from "./budget-gate.ts";
import { excerptOf } from "./excerpt.ts";
import type { BuyerCounts, FailedPurchase, FailureReason, Purchase, PurchaseTiming } from "./purchase.ts";
import { retryDelayMs, type Waiting } from "./retry-delay.ts";
import { type Teacher, TeacherError, type TeacherReply } from "./teacher.ts";

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
  /** Tries of one request after the first, where it was refused for now or its connection broke. */
  readonly maxRetries: number;
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

/** Tries after the first for a reply that cannot be read. */
const MAX_MALFORMED_RETRIES = 2;
/** So many purchases in a row given up, none bought between: the fault is not theirs. */
const MAX_FAILURES_IN_A_ROW = 20;

/** Ends a purchase that was given up; never leaves this file. */
class GivenUp extends Error {
  readonly failed: FailedPurchase;
  constructor(reason: FailureReason, detail: string) {
    super(reason);
    this.failed = { reason, detail };
  }
}

/** Ends a purchase because the buyer stops; the cause is kept there. Never leaves this file. */
class Stopped extends Error {}

/** A purchase under way. */
interface Job {
  readonly purchase: Purchase;
  retries: number;
}

/** See the file's head. One `buy` for each buyer. */
export class ReplyBuyer {
  readonly #options: BuyerOptions;
  readonly #budget: BudgetGate;
  /** Aborted when the caller stops: requests in flight are given up. */
  readonly #asking = new AbortController();
  /** Aborted when nothing new may start: requests in flight are awaited, for they are paid. */
  readonly #starting = new AbortController();
  #stopCause: unknown;
  #failuresInARow = 0;
  readonly #counts = { bought: 0, failed: 0, retries: 0, waitingForBudget: 0 };

  constructor(options: BuyerOptions) {
    this.#options = options;
    this.#budget = new BudgetGate(options.ledger, options.stage, (waiting) => {
      this.#counts.waitingForBudget = waiting;
      this.#changed();
    });
  }

  /**
   * Buys every reply once that the journal does not answer. What is bought is kept whatever happens.
   * @returns the purchases given up, by key.
   * @throws {AppError} `budget-exceeded`; `interrupted`; `provider-permanent` when no request can work; `disk-full`; or
   * `provider` when 20 purchases in a row were given up.
   */
  async buy(purchases: readonly Purchase[]): Promise<Map<string, FailedPurchase>> {
    const failed = new Map<string, FailedPurchase>();
    const { signal, concurrency } = this.#options;
    const onAbort = (): void => {
      this.#asking.abort();
      this.#stop(interruption(signal));
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < purchases.length && !this.#starting.signal.aborted) {
        const purchase = purchases[next++] as Purchase;
        await this.#complete({ purchase, retries: 0 }, failed).catch((error: unknown) => this.#stop(error));
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, purchases.length) }, work));
    signal?.removeEventListener("abort", onAbort);
    if (this.#starting.signal.aborted) throw this.#stopCause;
    return failed;
  }

  async #complete(job: Job, failed: Map<string, FailedPurchase>): Promise<void> {
    const { waiting, onTiming } = this.#options;
    const { key, questionId, sampleIndex } = job.purchase;
    const start = waiting.now();
    const givenUp = await this.#obtain(job).then(
      () => undefined,
      (error: unknown) => (error instanceof GivenUp ? error.failed : Promise.reject(error)),
    );
    const outcome = givenUp?.reason ?? "reply";
    onTiming?.({ key, questionId, sampleIndex, outcome, retries: job.retries, ms: waiting.now() - start });
    if (givenUp === undefined) {
      this.#counts.bought += 1;
      this.#failuresInARow = 0;
    } else {
      failed.set(key, givenUp);
      this.#counts.failed += 1;
    }
    this.#options.onEnd?.(job.purchase, givenUp);
    this.#changed();
    if (givenUp !== undefined) this.#watchFailures(givenUp);
  }

  /** Tries until the journal holds a reply; one hold and one intent for each try that may be billed. */
  async #obtain(job: Job): Promise<void> {
    const { journal } = this.#options;
    const { key, maxTokens } = job.purchase;
    while (journal.find(key, maxTokens) === undefined) {
      const malformed = journal.malformedReplies(key);
      if (malformed.count > MAX_MALFORMED_RETRIES) throw new GivenUp("malformed-reply", malformed.lastDetail);
      const outcome = await this.#attempt(job);
      if (outcome !== "billed") await this.#pause(job, outcome);
    }
  }

  /**
   * One hold from grant to end.
   * @returns `billed` when a reply came, usable or not; the error when it may have been billed and a retry makes sense.
   */
  async #attempt(job: Job): Promise<"billed" | TeacherError> {
    const { journal, price, teacher, stage: account } = this.#options;
    const { key, maxTokens, worstCaseMicroUsd, questionId } = job.purchase;
    const hold = await this.#budget.hold(worstCaseMicroUsd);
    const { provider, model } = teacher;
    const request = { key, worstCaseMicroUsd, account, provider, model, questionId };
    const intent = await journal.intend(request).catch((error: unknown) => {
      this.#budget.release(hold);
      throw error;
    });
    let reply: TeacherReply;
    try {
      reply = await this.#askUntilServed(job);
    } catch (error) {
      return await this.#endWithoutReply({ hold, intent }, error);
    }
    const { rateLimit: _limits, usage, ...rest } = reply;
    const costMicroUsd = tokenCost(price, usage);
    this.#budget.settle(hold, { costMicroUsd, basis: costBasis(usage), usage });
    await journal.reply(intent, { ...rest, usage, maxTokens, costMicroUsd });
    return "billed";
  }

  /** Asks again, under the same hold, as long as the answer is "not now": such tries are not billed. */
  async #askUntilServed(job: Job): Promise<TeacherReply> {
    const { teacher, journal } = this.#options;
    const { messages, params, maxTokens, key } = job.purchase;
    for (;;) {
      const retry = job.retries + journal.malformedReplies(key).count;
      try {
        return await teacher.ask({ messages, params, maxTokens, retry }, this.#asking.signal);
      } catch (error) {
        if (!(error instanceof TeacherError) || error.fault !== "unavailable") throw error;
        await this.#pause(job, error);
      }
    }
  }

  /** Ends hold and intent as the failure demands. What was neither refused nor given up may be billed. */
  async #endWithoutReply(open: OpenRequest, error: unknown): Promise<"billed" | TeacherError> {
    if (error instanceof GivenUp || error instanceof Stopped) return await this.#endUnbilled(open, error);
    if (!(error instanceof TeacherError)) {
      this.#budget.forfeit(open.hold);
      throw error;
    }
    switch (error.fault) {
      case "malformed":
        await this.#keepMalformed(open, error);
        return "billed";
      case "broken": // the intent stays open: a later process counts it in the same way
        this.#budget.forfeit(open.hold);
        return error;
      case "interrupted":
        this.#budget.forfeit(open.hold);
        throw new Stopped();
      case "row-refused":
        return await this.#endUnbilled(open, new GivenUp("provider-permanent", error.message));
      case "run-refused":
      case "unavailable":
        return await this.#endUnbilled(open, error);
      default:
        return error.fault satisfies never;
    }
  }

  async #endUnbilled({ hold, intent }: OpenRequest, error: Error): Promise<never> {
    this.#budget.release(hold);
    await this.#options.journal.unpaid(intent, excerptOf(error.message)).catch(() => undefined); // `error` says more
    throw error;
  }

  async #keepMalformed({ hold, intent }: OpenRequest, { message, usage }: TeacherError): Promise<void> {
    const { journal, price } = this.#options;
    const costMicroUsd = usage === null ? hold.microUsd : tokenCost(price, usage);
    this.#budget.settle(hold, { costMicroUsd, basis: costBasis(usage), ...(usage === null ? {} : { usage }) });
    await journal.malformed(intent, { detail: message, usage, costMicroUsd });
  }

  /** Counts a retry and waits before it; gives up when there were enough. */
  async #pause(job: Job, error: TeacherError): Promise<void> {
    const { waiting, maxRetries } = this.#options;
    if (job.retries >= maxRetries) throw new GivenUp("retries-exhausted", error.message);
    job.retries += 1;
    this.#counts.retries += 1;
    this.#options.onRetry?.(error);
    this.#changed();
    const delayMs = retryDelayMs(
      { key: job.purchase.key, retry: job.retries, retryAfterMs: error.retryAfterMs },
      waiting.seed,
    );
    if (!this.#starting.signal.aborted) await waiting.sleep(delayMs, this.#starting.signal);
    if (this.#starting.signal.aborted) throw new Stopped();
  }

  /** Starts nothing more, for this cause; the first cause counts. */
  #stop(cause: unknown): void {
    if (this.#starting.signal.aborted) return;
    this.#stopCause = cause;
    this.#starting.abort();
    this.#budget.close(new Stopped());
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

  #changed(): void {
    this.#options.onChange?.({ ...this.#counts });
  }
}

/** Money promised and an intent announced, both to be ended. */
interface OpenRequest {
  readonly hold: Hold;
  readonly intent: Intent;
}

function interruption(signal: AbortSignal | undefined): AppError {
  if (signal?.reason instanceof AppError) return signal.reason;
  return new AppError("interrupted", "stopped while asking the teacher", {
    hint: "run again: what is bought is kept",
    cause: signal?.reason,
  });
}
