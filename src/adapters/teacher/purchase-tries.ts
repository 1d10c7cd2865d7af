/** @file The tries of one purchase, until its reply is in the journal or it is given up. */
import { AppError } from "../../core/errors.ts";
import type { Hold, Refusal } from "../../ledger/ledger.ts";
import { maxPromptTokens, replyCost } from "../../ledger/price-book.ts";
import { costBasis } from "../journal/journal-pass.ts";
import type { Intent } from "../journal/request-journal.ts";
import type { BudgetGate } from "./budget-gate.ts";
import { excerptOf } from "./excerpt.ts";
import type { FlowPass } from "./flow-control.ts";
import type { FlowGate } from "./flow-gate.ts";
import { flowOutcome, servedOutcome } from "./flow-outcome.ts";
import type { FailedPurchase, FailureReason, Purchase } from "./purchase.ts";
import type { BuyerOptions } from "./reply-buyer.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { TeacherError, type TeacherReply } from "./teacher.ts";

/** Longest time from a request's first failure to its last try, ms, unless told. */
const RETRY_BUDGET_MS = 15 * 60_000;
/** Bytes of a prompt for each of its tokens, roughly: for the flow, which corrects itself by what is reported. */
const BYTES_PER_TOKEN = 4;
/** Tries after the first for a reply that cannot be read. */
const MAX_MALFORMED_RETRIES = 2;

/** Ends a purchase that was given up. */
export class GivenUp extends Error {
  readonly failed: FailedPurchase;
  constructor(reason: FailureReason, detail: string) {
    super(reason);
    this.failed = { reason, detail };
  }
}

/** Ends a purchase because the buyer stops; the cause is kept there. */
export class Stopped extends Error {}

/** Ends the buying because the money is spent. */
export class OutOfBudget extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super("out of budget");
    this.refusal = refusal;
  }
}

/** What the tries of all purchases share. */
export interface TryContext {
  readonly options: BuyerOptions;
  readonly budget: BudgetGate;
  readonly flow: FlowGate;
  /** Aborted when the caller stops: requests in flight are given up. */
  readonly asking: AbortSignal;
  /** Aborted when nothing new may start: requests in flight are awaited, for they are paid. */
  readonly starting: AbortSignal;
  readonly onRetry: (error: TeacherError) => void;
  readonly onWaiting: (isWaiting: boolean) => void;
}

/** Money promised and an intent announced, both to be ended. */
interface OpenRequest {
  readonly hold: Hold;
  readonly intent: Intent;
}

/** See the file's head. */
export class PurchaseTries {
  readonly #purchase: Purchase;
  readonly #context: TryContext;
  /** Unusable replies of earlier processes that are forgiven. */
  readonly #forgiven: number;
  #retries = 0;
  /** Of the retries, those that count against `maxRetries`. */
  #faults = 0;
  #firstFailureAt: number | undefined;

  constructor(purchase: Purchase, context: TryContext) {
    const { journal, retryFailed = false } = context.options;
    this.#purchase = purchase;
    this.#context = context;
    this.#forgiven = retryFailed ? journal.malformedReplies(purchase.key).count : 0;
  }

  /** Tries after the first. */
  get retries(): number {
    return this.#retries;
  }

  /** Tries until the journal holds a reply; one hold and one intent for each try that may be billed. */
  obtain(): Promise<void> {
    return this.#context.options.journal.exclusively(this.#purchase.key, () => this.#obtain());
  }

  async #obtain(): Promise<void> {
    const { journal, retryFailed = false, retryCut = false } = this.#context.options;
    const { key, maxTokens } = this.#purchase;
    while (journal.find(key, maxTokens, { retryCut }) === undefined) {
      const refusal = retryFailed ? undefined : journal.refusal(key, maxTokens);
      if (refusal !== undefined) throw new GivenUp("provider-permanent", refusal);
      const malformed = journal.malformedReplies(key);
      if (malformed.count - this.#forgiven > MAX_MALFORMED_RETRIES)
        throw new GivenUp("malformed-reply", malformed.lastDetail);
      const outcome = await this.#attempt();
      if (outcome !== "billed") await this.#pause(outcome);
    }
  }

  /**
   * One hold from grant to end.
   * @returns `billed` when a reply came, usable or not; the error when it may have been billed and a retry makes sense.
   */
  async #attempt(): Promise<"billed" | TeacherError> {
    const { journal, price } = this.#context.options;
    const hold = await this.#hold();
    const open = await this.#open(hold).catch((error: unknown) => {
      this.#context.budget.release(hold);
      throw error;
    });
    let reply: TeacherReply;
    try {
      reply = await this.#askUntilServed(open.pass);
    } catch (error) {
      return await this.#endWithoutReply(open, error);
    }
    const { thinking, answer, provenance, finishReason, usage, timing } = reply;
    const { maxTokens } = this.#purchase;
    const costMicroUsd = replyCost({ price, when: new Date(), worstCaseMicroUsd: hold.microUsd }, usage, reply);
    this.#context.budget.settle(hold, { costMicroUsd, basis: costBasis(usage), usage });
    const text = { maxTokens, thinking, answer, provenance, finishReason };
    await journal.reply(open.intent, { ...text, usage, costMicroUsd, ...(timing === undefined ? {} : { timing }) });
    return "billed";
  }

  async #hold(): Promise<Hold> {
    const answer = await this.#context.budget.hold({
      account: this.#context.options.stage,
      worstCaseMicroUsd: this.#purchase.worstCaseMicroUsd,
      signal: this.#context.starting,
      onWaiting: this.#context.onWaiting,
    });
    if (answer === undefined) throw new Stopped();
    if (!answer.granted) throw new OutOfBudget(answer);
    return answer;
  }

  /** Leave to send, then the intent: what only waits for its turn must not look as if it had been sent. */
  async #open(hold: Hold): Promise<OpenRequest & { readonly pass: FlowPass }> {
    const { journal, teacher, stage: account } = this.#context.options;
    const { provider, model } = teacher;
    const { key, worstCaseMicroUsd, questionId } = this.#purchase;
    const pass = await this.#enter();
    try {
      const intent = await journal.intend({ key, worstCaseMicroUsd, account, provider, model, questionId });
      return { hold, intent, pass };
    } catch (error) {
      this.#context.flow.leave(pass, { type: "failed" });
      throw error;
    }
  }

  async #enter(): Promise<FlowPass> {
    const { messages, maxTokens } = this.#purchase;
    const promptTokens = Math.ceil(maxPromptTokens(messages) / BYTES_PER_TOKEN);
    const waiting = { signal: this.#context.starting, isRetry: this.#retries > 0 };
    const pass = await this.#context.flow.enter({ promptTokens, maxTokens }, waiting);
    if (pass === undefined) throw new Stopped();
    return pass;
  }

  /** Asks again, under the same hold, as long as the answer is "not now": such tries are not billed. */
  async #askUntilServed(first: FlowPass): Promise<TeacherReply> {
    const { teacher, journal } = this.#context.options;
    const { messages, params, maxTokens, key, goOnFrom } = this.#purchase;
    for (let pass = first; ; pass = await this.#enter()) {
      const retry = this.#retries + journal.malformedReplies(key).count;
      const request = { messages, params, maxTokens, retry, ...(goOnFrom === undefined ? {} : { goOnFrom }) };
      try {
        const reply = await teacher.ask(request, this.#context.asking);
        this.#context.flow.leave(pass, servedOutcome(reply));
        return reply;
      } catch (error) {
        this.#context.flow.leave(pass, flowOutcome(error));
        if (!(error instanceof TeacherError) || error.fault !== "unavailable") throw error;
        await this.#pause(error);
      }
    }
  }

  /** Ends hold and intent as the failure demands. What was neither refused nor given up may be billed. */
  async #endWithoutReply(open: OpenRequest, error: unknown): Promise<"billed" | TeacherError> {
    if (error instanceof GivenUp || error instanceof Stopped) return await this.#endUnbilled(open, error);
    if (!(error instanceof TeacherError)) {
      this.#context.budget.forfeit(open.hold);
      throw error;
    }
    switch (error.fault) {
      case "malformed":
        await this.#keepMalformed(open, error);
        return "billed";
      case "broken": // the intent stays open: a later process counts it in the same way
        this.#context.budget.forfeit(open.hold);
        return error;
      case "interrupted":
        this.#context.budget.forfeit(open.hold);
        throw new Stopped();
      case "withheld":
      case "row-refused":
        return await this.#endRefused(open, error);
      case "run-refused":
      case "unavailable":
        return await this.#endUnbilled(open, error);
      default:
        return error.fault satisfies never;
    }
  }

  /** @param refusedAtMaxTokens present when the request, with this limit, will never be taken. */
  async #endUnbilled({ hold, intent }: OpenRequest, error: Error, refusedAtMaxTokens?: number): Promise<never> {
    this.#context.budget.release(hold);
    const detail = error instanceof GivenUp ? error.failed.detail : error.message;
    await this.#context.options.journal.unpaid(intent, excerptOf(detail), refusedAtMaxTokens).catch(() => undefined); // `error` says more
    throw error;
  }

  /** Ends a request that will never be answered; what was made and is withheld was billed all the same. */
  async #endRefused(open: OpenRequest, error: TeacherError): Promise<never> {
    const givenUp = new GivenUp("provider-permanent", error.message);
    const { maxTokens } = this.#purchase;
    if (!error.mayBeBilled) return await this.#endUnbilled(open, givenUp, maxTokens);
    await this.#keepMalformed(open, error, { refusedAtMaxTokens: maxTokens });
    throw givenUp;
  }

  async #keepMalformed(
    { hold, intent }: OpenRequest,
    { message, usage }: TeacherError,
    refused: { readonly refusedAtMaxTokens?: number } = {},
  ): Promise<void> {
    const { journal, price } = this.#context.options;
    const costMicroUsd = replyCost({ price, when: new Date(), worstCaseMicroUsd: hold.microUsd }, usage);
    this.#context.budget.settle(hold, { costMicroUsd, basis: costBasis(usage), ...(usage === null ? {} : { usage }) });
    await journal.malformed(intent, { detail: message, usage, costMicroUsd, ...refused });
  }

  /** Counts a retry and waits before it; gives up when there were enough. A refusal for now waits at the flow's gate. */
  async #pause(error: TeacherError): Promise<void> {
    const { waiting, maxRetries, limits, retryBudgetMs = RETRY_BUDGET_MS } = this.#context.options;
    const now = waiting.now();
    this.#firstFailureAt ??= now;
    const isRefused = flowOutcome(error).type === "refused";
    const delayMs = isRefused && limits?.areRefusalsRandom !== true ? 0 : this.#delayMs(error);
    const isOverdue = now + delayMs - this.#firstFailureAt > retryBudgetMs;
    if (isRefused && isOverdue) throw refusedTooLong(error, retryBudgetMs);
    if (isOverdue || (!isRefused && this.#faults >= maxRetries)) throw new GivenUp("retries-exhausted", error.message);
    this.#retries += 1;
    if (!isRefused) this.#faults += 1;
    this.#context.onRetry(error);
    if (delayMs > 0 && !this.#context.starting.aborted) await waiting.sleep(delayMs, this.#context.starting);
    if (this.#context.starting.aborted) throw new Stopped();
  }

  #delayMs({ retryAfterMs }: TeacherError): number {
    const retry = { key: this.#purchase.key, retry: this.#faults + 1, retryAfterMs };
    return retryDelayMs(retry, this.#context.options.waiting.seed);
  }
}

function refusedTooLong({ message, data }: TeacherError, retryBudgetMs: number): AppError {
  const minutes = Math.round(retryBudgetMs / 60_000);
  return new AppError("provider", `refused for ${minutes} minutes, and still: ${message}`, {
    hint: "the provider takes no more requests for now; run again later: what is bought is kept",
    data,
    isRetryable: true,
  });
}
