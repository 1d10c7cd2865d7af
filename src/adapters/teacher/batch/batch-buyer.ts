/**
 * @file Buys replies through a provider's batch API, with the guarantees of the direct buyer: nothing twice, never past the
 * cap, everything kept. What a batch does not bring by its deadline, and what it brings broken, is asked for directly.
 */
import { randomBytes } from "node:crypto";
import { AppError } from "../../../core/errors.ts";
import { maxPromptTokens, type Price, tokenCost } from "../../../ledger/price-book.ts";
import { overBudget } from "../budget-gate.ts";
import { addCounts, type BuyerCounts, type FailedPurchase, type Purchase } from "../purchase.ts";
import { type BuyerOptions, ReplyBuyer } from "../reply-buyer.ts";
import { TeacherError } from "../teacher.ts";
import type { BatchCodec } from "./batch-codec.ts";
import type { BatchItem, BatchLimits, BatchProvider } from "./batch-provider.ts";
import { planShards } from "./plan-shards.ts";
import { type LiveShard, type PlannedRequest, ShardLog } from "./shard-log.ts";
import type { OpenRow, RowEnd } from "./shard-rows.ts";
import { type BatchPauses, type ShardPorts, ShardRun } from "./shard-run.ts";

/** How a teacher's batches are bought. */
export interface BatchTerms {
  readonly provider: BatchProvider;
  readonly codec: BatchCodec;
  /** Of a request in a batch. */
  readonly price: Price;
  /** After so long what has no reply is cancelled and asked for directly. */
  readonly deadlineMinutes: number;
  /** The recipe buys through batches no more: those under way are waited for, and nothing new is put into one. */
  readonly isLeftOver?: boolean;
  /** The file that remembers the batches: one for each endpoint and stage, beside the journal. */
  readonly statePath: string;
  /** Where smaller batches are wanted than the provider's limits and ours allow. */
  readonly limits?: Partial<BatchLimits>;
  readonly pauses?: BatchPauses;
  /** Milliseconds since 1970; the system's clock unless told. */
  readonly nowMs?: () => number;
}

/** What {@link buyThroughBatches} works with: the direct buyer's options, and the batches'. */
export interface BatchBuyerOptions extends BuyerOptions {
  readonly batch: BatchTerms;
}

/** Small enough that a lost one costs little time, and that its plan is one line of a log. */
const OUR_LIMITS: BatchLimits = { maxRequests: 10_000, maxBytes: 64 * 1024 * 1024 };
const PAUSES: BatchPauses = { firstPollMs: 10_000, maxPollMs: 60_000, lookMs: 5_000, cancelMs: 20 * 60_000 };
/** Rounds of batches that bring nothing before the rest is asked for directly; and the pause after one. */
const MAX_IDLE_ROUNDS = 3;
const IDLE_PAUSE_MS = 60_000;

/**
 * Buys every reply once that the journal does not hold, as {@link ReplyBuyer.buy} does and with its results and errors;
 * through batches first, and directly where they bring none. Batches of an earlier process go on where they are.
 */
export async function buyThroughBatches(
  purchases: readonly Purchase[],
  options: BatchBuyerOptions,
): Promise<Map<string, FailedPurchase>> {
  const log = await ShardLog.open(options.batch.statePath);
  try {
    return await new BatchBuyer(options, log, purchases).buy();
  } finally {
    await log.close();
  }
}

/** A request to put into a batch. */
interface Candidate {
  readonly purchase: Purchase;
  readonly body: string;
  readonly worstCaseMicroUsd: number;
}

/** A row that needs no other try. */
type ClosedRow = Exclude<RowEnd, { type: "open" }>;

const byKey = (purchases: readonly Purchase[]): Map<string, Purchase> =>
  new Map(purchases.map((purchase) => [purchase.key, purchase]));

type HeldCandidate = Candidate & Pick<OpenRow, "hold">;

class BatchBuyer {
  readonly #options: BatchBuyerOptions;
  readonly #log: ShardLog;
  readonly #purchases: Map<string, Purchase>;
  /** To be bought in batches; those under way are not in it. */
  readonly #todo: Map<string, Purchase>;
  /** To be asked for directly, once the batches have ended. */
  readonly #direct: Map<string, Purchase>;
  readonly #failed = new Map<string, FailedPurchase>();
  readonly #stopping = new AbortController();
  readonly #startMs: number;
  readonly #counts = { bought: 0, failed: 0, retries: 0, waitingForBudget: 0 };

  constructor(options: BatchBuyerOptions, log: ShardLog, purchases: readonly Purchase[]) {
    this.#options = options;
    this.#log = log;
    const { journal, retryFailed = false, retryCut = false } = options;
    const missing = purchases.filter(({ key, maxTokens }) => journal.find(key, maxTokens, { retryCut }) === undefined);
    this.#purchases = byKey(missing);
    // What was refused for good, or came back unreadable, is the direct buyer's: it knows when to stop.
    const isTried = ({ key, maxTokens }: Purchase): boolean =>
      journal.malformedReplies(key).count > 0 || (!retryFailed && journal.refusal(key, maxTokens) !== undefined);
    this.#direct = byKey(missing.filter(isTried));
    this.#todo = byKey(missing.filter((one) => !isTried(one)));
    this.#startMs = this.#nowMs();
  }

  async buy(): Promise<Map<string, FailedPurchase>> {
    const { signal } = this.#options;
    const onAbort = (): void => this.#stopping.abort();
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#buyInRounds();
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    if (this.#direct.size > 0) await this.#buyDirectly();
    return this.#failed;
  }

  /** Batches, until nothing is left for them. Money that is held back by one round is free for the next. */
  async #buyInRounds(): Promise<void> {
    const { isLeftOver = false } = this.#options.batch;
    let runs = this.#log.live.map((shard) => this.#resume(shard));
    for (let idle = 0; idle < MAX_IDLE_ROUNDS; ) {
      if (!isLeftOver && this.#msLeft() > 0) runs = [...runs, ...(await this.#planBeside(runs))];
      if (runs.length === 0) break;
      const before = this.#counts.bought;
      await this.#runAll(runs);
      runs = [];
      idle = this.#counts.bought > before ? 0 : idle + 1;
      if (!isLeftOver && idle > 0 && this.#todo.size > 0)
        await this.#options.waiting.sleep(IDLE_PAUSE_MS * idle, this.#stopping.signal);
    }
    for (const [key, purchase] of this.#todo) this.#direct.set(key, purchase);
  }

  /** Takes a batch of an earlier process up: its money is held again, as nothing of it is known to be spent. */
  #resume(shard: LiveShard): ShardRun {
    const { journal, ledger, stage } = this.#options;
    const requests = new Map(shard.requests.map((request) => [request.key, request]));
    const rows = new Map<string, OpenRow>();
    for (const intent of journal.openIntents(shard.name)) {
      const request = requests.get(intent.key);
      if (request === undefined) continue;
      rows.set(intent.key, { intent, request, hold: ledger.reopen(stage, intent.worstCaseMicroUsd) });
      this.#todo.delete(intent.key);
      this.#direct.delete(intent.key);
    }
    return new ShardRun(this.#ports(), shard, { rows });
  }

  /** New batches beside those under way, which hold no money any more where planning fails. */
  async #planBeside(runs: readonly ShardRun[]): Promise<ShardRun[]> {
    try {
      return await this.#plan(runs.length > 0);
    } catch (error) {
      for (const run of runs) run.abandon();
      throw error;
    }
  }

  /**
   * New batches of what is to be bought, as far as the money reaches.
   * @throws {AppError} `budget-exceeded`: not even one request fits, and nothing is under way that could free money.
   */
  async #plan(isUnderWay: boolean): Promise<ShardRun[]> {
    const { ledger, batch } = this.#options;
    const limits = smallest(OUR_LIMITS, batch.provider.limits, batch.limits ?? {});
    const held = this.#holdAll(isUnderWay);
    for (const { purchase } of held) this.#todo.delete(purchase.key);
    this.#count({ waitingForBudget: this.#todo.size });
    const shards = planShards(held, limits, ({ body }) => Buffer.byteLength(body));
    try {
      return await Promise.all(shards.map((shard) => this.#announce(shard)));
    } catch (error) {
      for (const { hold } of held) ledger.forfeit(hold); // some may be announced
      throw error;
    }
  }

  /** Candidates and the money for them. Throws as {@link BatchBuyer.#plan}, and what a codec throws; then holds nothing. */
  #holdAll(isUnderWay: boolean): HeldCandidate[] {
    const { ledger, stage } = this.#options;
    const held: HeldCandidate[] = [];
    try {
      for (const purchase of this.#todo.values()) {
        const candidate = this.#candidate(purchase);
        const hold = ledger.hold(stage, candidate.worstCaseMicroUsd);
        if (hold.granted) held.push({ ...candidate, hold });
        else if (held.length > 0 || isUnderWay) break;
        else throw overBudget(hold, { where: " in a batch", lower: "the endpoint's maxTokens" });
      }
    } catch (error) {
      for (const { hold } of held) ledger.release(hold);
      throw error;
    }
    return held;
  }

  #candidate(purchase: Purchase): Candidate {
    const { messages, params, maxTokens } = purchase;
    const body = this.#options.batch.codec.body({ messages, params, maxTokens, retry: 0 });
    const usage = { promptTokens: maxPromptTokens(messages), completionTokens: maxTokens };
    return { purchase, body, worstCaseMicroUsd: tokenCost(this.#options.batch.price, usage) };
  }

  /** Writes a batch's plan and its intents down; nothing is sent. */
  async #announce(shard: readonly HeldCandidate[]): Promise<ShardRun> {
    const { journal, teacher, stage } = this.#options;
    const name = randomBytes(8).toString("hex");
    const requests = shard.map(
      ({ purchase: { key, maxTokens }, body }): PlannedRequest => ({
        key,
        maxTokens,
        promptBytes: Buffer.byteLength(body),
      }),
    );
    const atMs = this.#nowMs();
    await this.#log.write({ type: "planned", shard: name, atMs, requests });
    const rows = new Map<string, OpenRow>();
    const items: BatchItem[] = [];
    await Promise.all(
      shard.map(async ({ purchase: { key, questionId }, worstCaseMicroUsd, body, hold }, index) => {
        items.push({ id: `${name}-${key}`, body });
        const announced = { key, worstCaseMicroUsd, account: stage, provider: teacher.provider, model: teacher.model };
        const intent = await journal.intend({ ...announced, questionId, batch: name });
        rows.set(key, { intent, hold, request: requests[index] as PlannedRequest });
      }),
    );
    return new ShardRun(this.#ports(), { name, atMs, requests }, { rows, items });
  }

  /** Runs batches side by side; the first failure stops the others, whose batches go on at the provider. */
  async #runAll(runs: readonly ShardRun[]): Promise<void> {
    let first: { error: unknown } | undefined;
    const watch = async (run: ShardRun): Promise<void> => {
      try {
        await run.run();
      } catch (error) {
        first ??= { error };
        this.#stopping.abort();
      }
    };
    await Promise.all(runs.map(watch));
    if (first !== undefined) throw this.#explain(first.error);
  }

  async #buyDirectly(): Promise<void> {
    const before = { ...this.#counts };
    const failed = await new ReplyBuyer({
      ...this.#options,
      onChange: (counts) => this.#count(addCounts(before, counts)),
    }).buy(this.#direct.values());
    for (const [key, reason] of failed) this.#failed.set(key, reason);
  }

  #ports(): ShardPorts {
    const { ledger, journal, waiting, batch } = this.#options;
    const { provider, codec, price, pauses = PAUSES, deadlineMinutes } = batch;
    const shared = { provider, codec, price, ledger, journal, waiting, pauses, log: this.#log, taken: this.#taken };
    const time = { nowMs: () => this.#nowMs(), deadlineMs: deadlineMinutes * 60_000 };
    return { ...shared, ...time, signal: this.#stopping.signal, onEnd: (key, end) => this.#ended(key, end) };
  }

  readonly #taken = new Set<string>();

  #ended(key: string, end: RowEnd): void {
    const purchase = this.#purchases.get(key);
    if (purchase === undefined) return; // asked for by an earlier run only; its reply is kept all the same
    if (end.type === "open" && end.next === "direct") this.#direct.set(key, purchase);
    else if (end.type === "open" || !this.#isAnswered(purchase, end)) this.#todo.set(key, purchase);
    else this.#close(purchase, end);
  }

  /** Whether what came of a batch's request holds for this purchase: an earlier process may have asked under another limit. */
  #isAnswered({ key, maxTokens }: Purchase, { type }: ClosedRow): boolean {
    const { journal, retryCut = false } = this.#options;
    if (type === "refused") return journal.refusal(key, maxTokens) !== undefined;
    return journal.find(key, maxTokens, { retryCut }) !== undefined;
  }

  /** Tells that a purchase is over. */
  #close(purchase: Purchase, end: ClosedRow): void {
    const failed: FailedPurchase | undefined =
      end.type === "refused" ? { reason: "provider-permanent", detail: end.detail } : undefined;
    const { key, questionId, sampleIndex } = purchase;
    if (failed !== undefined) this.#failed.set(key, failed);
    const outcome = failed?.reason ?? "reply";
    this.#options.onTiming?.({ key, questionId, sampleIndex, outcome, retries: 0, ms: this.#nowMs() - this.#startMs });
    this.#options.onEnd?.(purchase, failed);
    this.#count(failed === undefined ? { bought: this.#counts.bought + 1 } : { failed: this.#counts.failed + 1 });
  }

  #count(change: Partial<BuyerCounts>): void {
    Object.assign(this.#counts, change);
    this.#options.onChange?.({ ...this.#counts });
  }

  #explain(error: unknown): unknown {
    const { signal, batch } = this.#options;
    if (signal?.aborted) {
      if (signal.reason instanceof AppError) return signal.reason;
      return new AppError("interrupted", "stopped while batches are under way", {
        hint: "run again: they go on at the provider, and their replies are taken from there",
        cause: error,
      });
    }
    if (!(error instanceof TeacherError)) return error;
    const { code, message, data, isRetryable } = error;
    const details = { data, cause: error, isRetryable };
    if (isRetryable) {
      const hint = `run again later: the batches go on at the provider, and ${batch.statePath} remembers them`;
      return new AppError(code, message, { ...details, hint });
    }
    const left = this.#leftBatches();
    if (left.length === 0 || !(batch.isLeftOver === true || data["status"] === 404)) return error;
    const named = `${left.slice(0, 3).join(", ")}${left.length > 3 ? `, and ${left.length - 3} more` : ""}`;
    const hint = `check baseUrl and key; where the batches are gone, delete ${batch.statePath}: they then count as possibly paid, and what they hold is bought again`;
    const what = `${message} (asked about an earlier run's batch ${named}, whose replies are to be taken first)`;
    return new AppError(code, what, { ...details, hint });
  }

  /** Names of the batches of earlier processes that have requests without an end. */
  #leftBatches(): string[] {
    const { journal } = this.#options;
    return this.#log.live.map(({ name }) => name).filter((name) => journal.openIntents(name).length > 0);
  }

  #msLeft(): number {
    return this.#startMs + this.#options.batch.deadlineMinutes * 60_000 - this.#nowMs();
  }

  #nowMs(): number {
    return (this.#options.batch.nowMs ?? Date.now)();
  }
}

function smallest(...limits: readonly Partial<BatchLimits>[]): BatchLimits {
  const least = (pick: (one: Partial<BatchLimits>) => number | undefined): number =>
    Math.min(...limits.map((one) => pick(one) ?? Number.POSITIVE_INFINITY));
  return { maxRequests: least(({ maxRequests }) => maxRequests), maxBytes: least(({ maxBytes }) => maxBytes) };
}
