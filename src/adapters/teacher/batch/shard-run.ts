/**
 * @file One batch from its plan to its end: started so that a crash or a lost response never starts it twice, waited for,
 * cancelled at its deadline, its results kept once each, and every request's money and intent ended.
 */
import { AppError } from "../../../core/errors.ts";
import { excerptOf } from "../excerpt.ts";
import { retryDelayMs, type Waiting } from "../retry-delay.ts";
import { TeacherError } from "../teacher.ts";
import type { BatchItem, BatchProvider, BatchRow } from "./batch-provider.ts";
import type { LiveShard, ShardLog } from "./shard-log.ts";
import { type Ended, type OpenRow, type RowPorts, ShardRows } from "./shard-rows.ts";

/** Pauses, ms. */
export interface BatchPauses {
  /** Before the first look at a batch; each further pause is half as long again. */
  readonly firstPollMs: number;
  readonly maxPollMs: number;
  /** After a batch that may have been started was not in the provider's list; each further pause is three times as long. */
  readonly lookMs: number;
  /** How long a cancelled batch may take to end. */
  readonly cancelMs: number;
}

/** What a run works with; shared by the batches of one buyer. */
export interface ShardPorts extends RowPorts {
  readonly provider: BatchProvider;
  readonly log: ShardLog;
  readonly waiting: Waiting;
  /** From the plan, by `nowMs`: deadlines outlive a process. */
  readonly deadlineMs: number;
  readonly pauses: BatchPauses;
  /** Batches that are known: a lost one is none of them. */
  readonly taken: Set<string>;
  readonly signal: AbortSignal;
}

/** Tries of one call after the first. */
const MAX_RETRIES = 8;
/** Starts of one batch, and looks for one that may have been started. */
const MAX_STARTS = 4;
const MAX_LOOKS = 4;
/** Rows, and characters of theirs, that are on their way to the disk at once. */
const MAX_PENDING = 256;
const MAX_PENDING_CHARACTERS = 32 * 1024 * 1024;

/** A batch that was started, perhaps, and cannot be found. */
const LOST = Symbol("lost");
/** A cancelled batch that does not end. */
const STUCK = Symbol("stuck");

/** See the file's head. */
export class ShardRun {
  readonly #ports: ShardPorts;
  readonly #shard: LiveShard;
  readonly #items: readonly BatchItem[] | undefined;
  readonly #rows: ShardRows;

  /** @param items its requests; undefined for a batch that an earlier process planned. */
  constructor(
    ports: ShardPorts,
    shard: LiveShard,
    { rows, items }: { rows: Map<string, OpenRow>; items?: readonly BatchItem[] },
  ) {
    this.#ports = ports;
    this.#shard = shard;
    this.#rows = new ShardRows(ports, shard.name, rows);
    this.#items = items;
    if (shard.handle !== undefined) ports.taken.add(shard.handle);
  }

  /**
   * Runs it to its end.
   * @throws {AppError} `provider-permanent`: neither this batch nor another can work; `provider` or `network`: not now;
   * `interrupted`; `disk-full`. What is bought is kept, and the batch goes on at the provider, to be found again.
   */
  async run(): Promise<void> {
    try {
      if (this.#rows.size > 0) await this.#runRows();
      await this.#ports.log.write({ type: "ended", shard: this.#shard.name, how: "all requests accounted for" });
    } catch (error) {
      this.#rows.abandon();
      throw error;
    }
    if (this.#rows.fatal !== undefined) throw this.#rows.fatal;
  }

  /** Counts what it holds as possibly paid: of a run that never comes to be run. */
  abandon(): void {
    this.#rows.abandon();
  }

  async #runRows(): Promise<void> {
    const handle = this.#shard.handle ?? (await this.#submit());
    if (handle === undefined) await this.#rows.endAll("the batch was not started", "batch");
    else if (handle === LOST) this.#rows.forfeitAll();
    else await this.#fetch(handle);
  }

  /** The batch's handle; undefined when it was certainly not started. */
  async #submit(): Promise<string | typeof LOST | undefined> {
    const { provider, log, signal } = this.#ports;
    const { name, reference } = this.#shard;
    if (reference !== undefined) return await this.#lookFor(reference);
    if (this.#items === undefined) return undefined;
    const shard = { name, items: this.#items };
    const prepared = await this.#retry(() => provider.prepare(shard, signal)).catch((error) => this.#giveUp(error));
    await log.write({ type: "prepared", shard: name, reference: prepared });
    for (let tries = 1; tries <= MAX_STARTS; tries++) {
      try {
        return await this.#submitted(await provider.start(shard, prepared, signal));
      } catch (error) {
        if (!(error instanceof TeacherError) || !error.isRetryable) return await this.#giveUp(error);
        await this.#pause(tries, error.retryAfterMs);
        const found = error.fault === "unavailable" ? undefined : await this.#lookFor(prepared);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  async #submitted(handle: string): Promise<string> {
    this.#ports.taken.add(handle);
    await this.#ports.log.write({ type: "submitted", shard: this.#shard.name, handle });
    return handle;
  }

  /** Looks for a batch that may have been started; undefined when the provider knows none after some time. */
  async #lookFor(reference: string): Promise<string | typeof LOST | undefined> {
    const { provider, taken, pauses, signal } = this.#ports;
    const lost = { name: this.#shard.name, count: this.#shard.requests.length, taken };
    for (let looks = 1; ; looks++) {
      const found = await this.#retry(() => provider.find(lost, reference, signal));
      if (found.type === "found") return await this.#submitted(found.handle);
      if (found.type === "absent" && looks >= MAX_LOOKS) return undefined;
      if (found.type === "unsure" && this.#msLeft() <= 0) return LOST;
      await this.#sleep(Math.min(pauses.maxPollMs, pauses.lookMs * 3 ** (looks - 1)));
    }
  }

  /** Ends everything as not billed, for the batch cannot be started; then fails. */
  async #giveUp(error: unknown): Promise<never> {
    if (error instanceof TeacherError && error.fault === "run-refused") {
      await this.#rows.endAll(error.message, "batch");
      await this.#ports.log.write({ type: "ended", shard: this.#shard.name, how: "refused" });
    }
    throw error;
  }

  async #fetch(handle: string): Promise<void> {
    const status = await this.#untilEnded(handle);
    if (status !== STUCK && status.how === "failed" && (status.replies ?? 0) === 0) return await this.#failed(status);
    if (status !== STUCK) {
      await this.#collect(handle);
      return await this.#rows.endRest(status);
    }
    await this.#collect(handle).catch(ignoreRefusal); // some give what there is, others nothing before the end
    this.#rows.forfeitAll();
  }

  async #untilEnded(handle: string): Promise<Ended | typeof STUCK> {
    const { provider, log, pauses, nowMs, signal } = this.#ports;
    let pauseMs = pauses.firstPollMs;
    let cancelEndsMs: number | undefined;
    for (;;) {
      const status = await this.#retry(() => provider.poll(handle, signal));
      if (status.type === "ended") return status;
      if (this.#msLeft() <= 0 && cancelEndsMs === undefined) {
        await log.write({ type: "cancelling", shard: this.#shard.name });
        await this.#retry(() => provider.cancel(handle, signal)).catch(ignoreRefusal);
        cancelEndsMs = nowMs() + pauses.cancelMs;
        pauseMs = pauses.firstPollMs;
      } else if (cancelEndsMs !== undefined && nowMs() >= cancelEndsMs) return STUCK;
      const untilMs = cancelEndsMs === undefined ? this.#msLeft() : cancelEndsMs - nowMs();
      await this.#sleep(Math.min(pauseMs, Math.max(untilMs, 1)));
      pauseMs = Math.min(pauses.maxPollMs, pauseMs * 1.5);
    }
  }

  /** Reads all results, again from the start when the connection breaks: what is kept already is passed over. */
  async #collect(handle: string): Promise<void> {
    const { provider, signal } = this.#ports;
    await this.#retry(async () => {
      const rows: BatchRow[] = [];
      let characters = 0;
      try {
        for await (const row of provider.collect(handle, signal)) {
          rows.push(row);
          characters += row.type === "reply" ? row.body.length : 0;
          if (rows.length < MAX_PENDING && characters < MAX_PENDING_CHARACTERS) continue;
          await this.#rows.takeAll(rows.splice(0));
          characters = 0;
        }
      } finally {
        await this.#rows.takeAll(rows);
      }
    });
  }

  /** None of the batch was run. */
  async #failed({ detail, isForNow }: Ended): Promise<void> {
    const message = `the batch failed: ${excerptOf(detail)}`;
    await this.#rows.endAll(message, "batch");
    if (isForNow) return;
    await this.#ports.log.write({ type: "ended", shard: this.#shard.name, how: "failed" });
    throw new TeacherError("run-refused", message, { hint: "correct what it names, or leave `batch` out" });
  }

  #msLeft(): number {
    return this.#shard.atMs + this.#ports.deadlineMs - this.#ports.nowMs();
  }

  async #retry<T>(call: () => Promise<T>): Promise<T> {
    for (let retry = 1; ; retry++) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof TeacherError) || !error.isRetryable || retry > MAX_RETRIES) throw error;
        await this.#pause(retry, error.retryAfterMs);
      }
    }
  }

  #pause(retry: number, retryAfterMs = 0): Promise<void> {
    return this.#sleep(retryDelayMs({ key: this.#shard.name, retry, retryAfterMs }, this.#ports.waiting.seed));
  }

  async #sleep(ms: number): Promise<void> {
    const { waiting, signal } = this.#ports;
    await waiting.sleep(ms, signal);
    if (signal.aborted) throw new AppError("interrupted", "stopped while waiting for a batch");
  }
}

/** Where what was asked for could not be had, and need not be: cancelling what has just ended, say. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof TeacherError) || error.fault !== "run-refused") throw error;
}
