/**
 * @file Anthropic's Message Batches (platform.claude.com/docs/en/api/messages/batches, read 2026-11): one call holds all
 * requests, results come as JSONL by custom_id. A batch carries no name of ours and the list tells no custom_id, so one
 * that was lost is found among those made since `prepare` by the number of its requests and, when it has ended, its ids.
 */
import { z } from "zod";
import {
  type BatchFound,
  type BatchLimits,
  type BatchProvider,
  type BatchRow,
  type BatchShard,
  type BatchStatus,
  type LostBatch,
  MAX_LIST_PAGES,
} from "./batch-provider.ts";
import { BatchHttp, type BatchHttpOptions } from "./batch-http.ts";
import { parseAnswer, readRows, refusedRow } from "./result-lines.ts";

const count = z.int().min(0).catch(0);
const Batch = z.object({
  id: z.string().min(1).max(256),
  processing_status: z.string(),
  cancel_initiated_at: z.string().nullish(),
  request_counts: z.object({ processing: count, succeeded: count, errored: count, canceled: count, expired: count }),
});
type Batch = z.infer<typeof Batch>;
const Listed = z.object({ data: z.array(Batch), has_more: z.boolean().nullish() });
const Failure = z.object({ type: z.string().nullish(), message: z.string().nullish() });
const ResultLine = z.object({
  custom_id: z.string(),
  result: z.discriminatedUnion("type", [
    z.object({ type: z.literal("succeeded"), message: z.unknown() }),
    z.object({ type: z.literal("errored"), error: Failure.extend({ error: Failure.nullish() }) }),
    z.object({ type: z.literal("canceled") }),
    z.object({ type: z.literal("expired") }),
  ]),
});

/** HTTP statuses that Anthropic's error types stand for. */
const STATUSES: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** Stands for batches that a list did not come to. */
const BEYOND = Symbol("beyond");

/** See the file's head. Nothing is sent until it is asked. */
export class AnthropicBatches implements BatchProvider {
  readonly limits: BatchLimits = { maxRequests: 100_000, maxBytes: 256 * 1_000_000 };
  readonly #http: BatchHttp;

  constructor(options: BatchHttpOptions) {
    this.#http = new BatchHttp(options);
  }

  /** The newest batch before ours; `-` where there is none. */
  async prepare(_shard: BatchShard, signal: AbortSignal): Promise<string> {
    return (await this.#list("?limit=1", signal)).data[0]?.id ?? "-";
  }

  async start({ items }: BatchShard, _reference: string, signal: AbortSignal): Promise<string> {
    const requests = items.map(({ id, body }) => `{"custom_id":${JSON.stringify(id)},"params":${body}}`);
    const body = `{"requests":[${requests.join(",")}]}`;
    const headers = { "content-type": "application/json" };
    const answer = await this.#http.json({ method: "POST", path: this.#at(""), headers, body }, signal);
    return parseAnswer(Batch, answer, "a new batch").id;
  }

  async find(lost: LostBatch, reference: string, signal: AbortSignal): Promise<BatchFound> {
    let isUnsure = false;
    for await (const batch of this.#since(reference, signal)) {
      if (batch === BEYOND) return { type: "unsure" };
      const { id, processing_status, request_counts } = batch;
      const total = Object.values(request_counts).reduce((sum, one) => sum + one, 0);
      if (total !== lost.count || lost.taken.has(id)) continue;
      if (processing_status !== "ended") isUnsure = true;
      else if (await this.#holds(id, lost.name, signal)) return { type: "found", handle: id };
    }
    return { type: isUnsure ? "unsure" : "absent" };
  }

  async poll(handle: string, signal: AbortSignal): Promise<BatchStatus> {
    const answer = await this.#http.json({ path: this.#at(`/${encodeURIComponent(handle)}`) }, signal);
    const { processing_status, cancel_initiated_at, request_counts } = parseAnswer(Batch, answer, "a batch");
    if (processing_status !== "ended") return { type: "running" };
    const isCancelled = typeof cancel_initiated_at === "string" || request_counts.canceled > 0;
    const how = isCancelled ? "cancelled" : request_counts.expired > 0 ? "expired" : "completed";
    return { type: "ended", how, replies: request_counts.succeeded, detail: "", isForNow: false };
  }

  async *collect(handle: string, signal: AbortSignal): AsyncGenerator<BatchRow> {
    const reading = { schema: ResultLine, rowOf, redact: this.#http.redact };
    const path = this.#at(`/${encodeURIComponent(handle)}/results`); // not `results_url`: the key goes to no other host
    for await (const lines of this.#http.lines(path, signal)) yield* readRows(lines, reading);
  }

  async cancel(handle: string, signal: AbortSignal): Promise<void> {
    await this.#http.call({ method: "POST", path: this.#at(`/${encodeURIComponent(handle)}/cancel`) }, signal);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /** The batches made after `reference`, newest first; at the end {@link BEYOND} where there may be more. */
  async *#since(reference: string, signal: AbortSignal): AsyncGenerator<Batch | typeof BEYOND> {
    let after = "";
    for (let page = 0; page < MAX_LIST_PAGES; page++) {
      const { data, has_more } = await this.#list(`?limit=100${after}`, signal);
      for (const batch of data) {
        if (batch.id === reference) return;
        yield batch;
      }
      const last = data.at(-1)?.id;
      if (has_more !== true || last === undefined) return;
      const next = `&after_id=${encodeURIComponent(last)}`;
      if (next === after) break;
      after = next;
    }
    yield BEYOND;
  }

  /** Whether an ended batch's results are those of a shard: its first readable line tells. */
  async #holds(handle: string, name: string, signal: AbortSignal): Promise<boolean> {
    for await (const row of this.collect(handle, signal)) {
      if (row.type !== "unreadable") return row.id.startsWith(`${name}-`);
    }
    return false;
  }

  async #list(query: string, signal: AbortSignal): Promise<z.infer<typeof Listed>> {
    return parseAnswer(Listed, await this.#http.json({ path: this.#at(query) }, signal), "a list of batches");
  }

  #at(rest: string): string {
    return `${this.#http.root}/messages/batches${rest}`;
  }
}

function rowOf({ custom_id: id, result }: z.infer<typeof ResultLine>): BatchRow {
  switch (result.type) {
    case "succeeded":
      return { type: "reply", id, body: JSON.stringify(result.message ?? null) };
    case "errored": {
      const { type, message } = result.error.error ?? result.error;
      return refusedRow(id, STATUSES[type ?? ""] ?? 500, [type, message].filter(Boolean).join(": "));
    }
    case "canceled":
    case "expired":
      return { type: "not-run", id, detail: result.type };
    default:
      return result satisfies never;
  }
}
