/**
 * @file A provider's batch API on a socket: it takes what the documentation of each says and refuses anything else, keeps
 * count of every reply that it would bill, and misbehaves as told. A batch advances with each look at it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { prng } from "../../../src/core/prng.ts";
import { batchRoutes } from "./batch-routes.ts";
import {
  type BatchApi,
  type BatchHost,
  type FakeBatch,
  type FakeItem,
  type NewBatch,
  PROMPT_TOKENS,
  Refused,
  type RowFault,
  tokensOf,
} from "./fake-batch.ts";

/** How the API misbehaves. */
export interface BatchFaults {
  /** Looks at a batch until it has ended. */
  readonly looks?: number;
  /** It never ends by itself; when cancelled, or expired, so many of its requests were done. */
  readonly stuckAfter?: number;
  /** Not even cancelling ends it. */
  readonly ignoresCancel?: boolean;
  /** Ends as expired instead of completed. */
  readonly expires?: boolean;
  /** So many new batches are accepted and the answer is lost. */
  readonly loseStarts?: number;
  /** So many new batches never arrive: the connection is cut before. */
  readonly dropStarts?: number;
  /** So many new batches are refused for now, before anything is done. */
  readonly refuseStarts?: number;
  /** So many batches fail because too much is enqueued. */
  readonly failForNow?: number;
  /** Every batch fails for good. */
  readonly failForGood?: boolean;
  /** So many looks are answered with 500, so many calls with 429. */
  readonly failLooks?: number;
  readonly rateLimits?: number;
  /** So many files of results are cut in the middle. */
  readonly cutFiles?: number;
  /** Requests that set how much is to be thought are refused, as newer models do. */
  readonly refusesBudgets?: boolean;
  /** Its list says that there is more, and gives the same page again. */
  readonly repeatsLists?: boolean;
  readonly row?: (content: string) => RowFault;
}

/** Faults that happen so many times. */
type Countable = "loseStarts" | "dropStarts" | "refuseStarts" | "failForNow" | "failLooks" | "rateLimits" | "cutFiles";

/** See the file's head. */
export class FakeBatches implements BatchHost {
  readonly api: BatchApi;
  readonly batches: FakeBatch[] = [];
  readonly files = new Map<string, string>();
  /** Replies made, by prompt: each would be billed. */
  readonly billed = new Map<string, number>();
  /** Every call that came, `METHOD path`. */
  readonly calls: string[] = [];
  faults: BatchFaults = {};
  baseUrl = "";
  onCall: (call: string) => void = () => undefined;
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #used: Record<Countable, number> = {
    loseStarts: 0,
    dropStarts: 0,
    refuseStarts: 0,
    failForNow: 0,
    failLooks: 0,
    rateLimits: 0,
    cutFiles: 0,
  };
  #next = 0;

  constructor(api: BatchApi) {
    this.api = api;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const version = this.api === "gemini" ? "v1beta" : "v1";
    this.baseUrl = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${version}`;
    return this;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Tokens of all replies made, as the bill has them. */
  get billedTokens(): { prompt: number; completion: number } {
    let prompt = 0;
    let completion = 0;
    for (const [content, count] of this.billed) {
      prompt += PROMPT_TOKENS * count;
      completion += tokensOf(content) * count;
    }
    return { prompt, completion };
  }

  /** A new name of an object. */
  newId(prefix: string): string {
    this.#next += 1;
    return `${prefix}${String(this.#next).padStart(4, "0")}`;
  }

  /** Accepts a batch; the answer may be lost. */
  create(batch: NewBatch, response?: ServerResponse): FakeBatch {
    if (this.#use("refuseStarts")) throw new Refused(429, "too many batches");
    const fails = this.faults.failForGood === true ? "model_not_found: no such model" : "";
    const failure = this.#use("failForNow") ? "token_limit_exceeded: Enqueued token limit reached" : fails;
    const made: FakeBatch = { ...batch, looks: 0, state: failure === "" ? "running" : "failed", failure, done: 0 };
    this.batches.unshift(made);
    if (response !== undefined && this.#use("loseStarts")) response.destroy();
    return made;
  }

  /** A look at a batch: it may advance. */
  look(id: string): FakeBatch {
    const batch = this.batches.find((one) => one.id === id);
    if (batch === undefined) throw new Refused(404, "no such batch");
    if (this.#use("failLooks")) throw new Refused(500, "internal error");
    return this.advance(batch);
  }

  /** A step towards a batch's end. */
  advance(batch: FakeBatch): FakeBatch {
    const { looks = 1, stuckAfter, expires = false, ignoresCancel = false } = this.faults;
    batch.looks += 1;
    if (batch.state === "running" && batch.looks >= looks) {
      this.#run(batch, stuckAfter ?? batch.items.length);
      if (expires) batch.state = "expired";
      else if (stuckAfter === undefined) batch.state = "completed";
    } else if (batch.state === "cancelling" && !ignoresCancel) batch.state = "cancelled";
    return batch;
  }

  cancel(id: string): FakeBatch {
    const batch = this.batches.find((one) => one.id === id);
    if (batch === undefined) throw new Refused(404, "no such batch");
    if (batch.state !== "running") throw new Refused(400, `a batch that is ${batch.state} cannot be cancelled`);
    batch.state = "cancelling";
    return batch;
  }

  /** Runs every batch to its end, as a provider does whether or not anybody looks. */
  finish(): void {
    for (const batch of this.batches) if (batch.state === "running") this.#run(batch, batch.items.length);
  }

  /** How many of a batch's replies were made. */
  succeeded(batch: FakeBatch): number {
    return batch.items.slice(0, batch.done).filter((item) => !this.#isRefused(item)).length;
  }

  /** The lines that a batch's results have, those in `which` state, in no order. */
  lines(batch: FakeBatch, lineOf: (item: FakeItem, fault: RowFault, wasRun: boolean) => string | undefined): string {
    const lines = batch.items.flatMap((item, index) => {
      const fault = this.faults.row?.(item.content) ?? "none";
      const line = lineOf(item, fault, index < batch.done);
      if (line === undefined || fault === "missing") return [];
      if (fault === "garbled") return [line.slice(0, line.length / 2)];
      return fault === "duplicate" ? [line, line] : [line];
    });
    const order = prng(`results/${batch.id}`);
    const keyed = lines.map((line) => [order.next(), line] as const).sort(([a], [b]) => a - b);
    return keyed.map(([, line]) => `${line}\n`).join("");
  }

  /** Sends a file of results, perhaps half of it. */
  sendFile(response: ServerResponse, text: string): void {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    if (!this.#use("cutFiles")) return void response.end(text);
    response.write(text.slice(0, text.length / 2), () => setTimeout(() => response.destroy(), 5));
  }

  #run(batch: FakeBatch, count: number): void {
    for (const item of batch.items.slice(batch.done, count)) {
      const { content } = item;
      if (this.#isRefused(item)) continue;
      this.billed.set(content, (this.billed.get(content) ?? 0) + 1);
    }
    batch.done = Math.max(batch.done, count);
  }

  #isRefused({ content, thinking }: FakeItem): boolean {
    if (this.faults.refusesBudgets === true && thinking === "enabled") return true;
    return ["refused", "unavailable", "unauthorised"].includes(this.faults.row?.(content) ?? "none");
  }

  #use(fault: Countable): boolean {
    if (this.#used[fault] >= (this.faults[fault] ?? 0)) return false;
    this.#used[fault] += 1;
    return true;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = `${request.method} ${request.url}`;
    this.calls.push(call);
    this.onCall(call);
    if (/^POST \S*(\/batches|:batchGenerateContent)$/.test(call) && this.#use("dropStarts"))
      return void response.destroy();
    try {
      if (this.#use("rateLimits")) throw new Refused(429, "slow down");
      const answer = batchRoutes[this.api](this, { request, response, body: Buffer.concat(chunks) });
      if (answer === undefined || response.destroyed || response.headersSent) return;
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500;
      const message = error instanceof Error ? error.message : "bug in the fake";
      response.writeHead(status, { "content-type": "application/json", "retry-after-ms": "1" });
      response.end(JSON.stringify({ error: { message } }));
    }
  }
}
