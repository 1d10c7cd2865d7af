/**
 * @file Batches in OpenAI's shape: a file of requests is uploaded, a batch made of it, results come as a file of replies
 * and a file of errors (developers.openai.com/api/reference/resources/batches, read 2026-11). Together's differ in the
 * upload's address and purpose, the wrapper around a new batch, the list, and capital letters
 * (docs.together.ai/docs/inference/batch, read 2026-11).
 */
import { z } from "zod";
import {
  type BatchEnd,
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
import { multipart } from "./multipart.ts";
import { parseAnswer, readRows, refusedRow } from "./result-lines.ts";

/** Which of the two it is. */
export type OpenAIBatchDialect = "openai" | "together";

/** How to reach it. */
export interface OpenAIBatchesOptions extends BatchHttpOptions {
  readonly dialect: OpenAIBatchDialect;
  /** The direct API that each request is for, for example `/v1/chat/completions`. */
  readonly endpoint: string;
}

const MIB = 1024 * 1024;
const id = z.string().min(1).max(256);
const Uploaded = z.object({ id });
const Batch = z.object({
  id,
  status: z.string(),
  input_file_id: z.string().nullish(),
  output_file_id: z.string().nullish(),
  error_file_id: z.string().nullish(),
  request_counts: z
    .object({ completed: z.int().min(0) })
    .nullish()
    .catch(null),
  errors: z
    .object({ data: z.array(z.object({ code: z.string().nullish(), message: z.string().nullish() })).nullish() })
    .nullish()
    .catch(null),
  error: z.string().nullish().catch(null),
});
type Batch = z.infer<typeof Batch>;
const Created = z.union([Batch, z.object({ job: Batch }).transform(({ job }) => job)]);
const Listed = z.union([
  z.object({ data: z.array(Batch), has_more: z.boolean().nullish() }),
  z.array(Batch).transform((data) => ({ data, has_more: false })),
]);
const ResultLine = z.object({
  custom_id: z.string(),
  response: z.object({ status_code: z.int(), body: z.unknown() }).nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).or(z.string()).nullish(),
});

/** Failures of a whole batch that pass: too much is enqueued, or asked for, at the moment. */
const FOR_NOW = /token_limit_exceeded|enqueued|rate_limit/i;

/** See the file's head. Nothing is sent until it is asked. */
export class OpenAIBatches implements BatchProvider {
  readonly limits: BatchLimits;
  readonly #http: BatchHttp;
  readonly #endpoint: string;
  readonly #isTogether: boolean;

  constructor({ dialect, endpoint, ...options }: OpenAIBatchesOptions) {
    this.#http = new BatchHttp(options);
    this.#endpoint = endpoint;
    this.#isTogether = dialect === "together";
    this.limits = { maxRequests: 50_000, maxBytes: (this.#isTogether ? 100 : 200) * 1_000_000 - MIB };
  }

  async prepare({ name, items }: BatchShard, signal: AbortSignal): Promise<string> {
    const extra = this.#isTogether ? {} : { method: "POST", url: this.#endpoint };
    const lines = items.map(
      ({ id, body }) => `${JSON.stringify({ custom_id: id, ...extra }).slice(0, -1)},"body":${body}}\n`,
    );
    const fileName = `${name}.jsonl`;
    const fields = this.#isTogether ? { purpose: "batch-api", file_name: fileName } : { purpose: "batch" };
    const form = multipart(fields, fileName, Buffer.from(lines.join(""), "utf8"));
    const path = this.#at(this.#isTogether ? "/files/upload" : "/files");
    return parseAnswer(Uploaded, await this.#http.json({ method: "POST", path, ...form }, signal), "an upload").id;
  }

  async start({ name }: BatchShard, fileId: string, signal: AbortSignal): Promise<string> {
    const request = { input_file_id: fileId, endpoint: this.#endpoint, completion_window: "24h" };
    const body = JSON.stringify(this.#isTogether ? request : { ...request, metadata: { grappa_batch: name } });
    const headers = { "content-type": "application/json" };
    const answer = await this.#http.json({ method: "POST", path: this.#at("/batches"), headers, body }, signal);
    return parseAnswer(Created, answer, "a new batch").id;
  }

  /** An upload is used by one batch only, so its id finds the batch. */
  async find(_lost: LostBatch, fileId: string, signal: AbortSignal): Promise<BatchFound> {
    let after = "";
    for (let page = 0; page < MAX_LIST_PAGES; page++) {
      const query = this.#isTogether ? "" : `?limit=100${after === "" ? "" : `&after=${encodeURIComponent(after)}`}`;
      const answer = await this.#http.json({ path: this.#at(`/batches${query}`) }, signal);
      const { data, has_more } = parseAnswer(Listed, answer, "a list of batches");
      const batch = data.find(({ input_file_id }) => input_file_id === fileId);
      if (batch !== undefined) return { type: "found", handle: batch.id };
      const last = data.at(-1)?.id;
      if (has_more !== true || last === undefined) return { type: "absent" };
      if (last === after) break;
      after = last;
    }
    return { type: "unsure" };
  }

  async poll(handle: string, signal: AbortSignal): Promise<BatchStatus> {
    const { status, request_counts, errors, error } = await this.#get(handle, signal);
    const how = ENDS[status.toLowerCase()];
    if (how === undefined) return { type: "running" };
    const reasons = (errors?.data ?? []).map(({ code, message }) => [code, message].filter(Boolean).join(": "));
    const detail = this.#http.redact([...reasons, error ?? ""].filter(Boolean).join("; "));
    return { type: "ended", how, replies: request_counts?.completed ?? null, detail, isForNow: FOR_NOW.test(detail) };
  }

  async *collect(handle: string, signal: AbortSignal): AsyncGenerator<BatchRow> {
    const reading = { schema: ResultLine, rowOf, redact: this.#http.redact };
    const { output_file_id: output, error_file_id: errors } = await this.#get(handle, signal);
    for (const file of [output, errors]) {
      if (typeof file !== "string" || file === "") continue;
      const path = this.#at(`/files/${encodeURIComponent(file)}/content`);
      for await (const lines of this.#http.lines(path, signal)) yield* readRows(lines, reading);
    }
  }

  async cancel(handle: string, signal: AbortSignal): Promise<void> {
    await this.#http.call({ method: "POST", path: this.#at(`/batches/${encodeURIComponent(handle)}/cancel`) }, signal);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #get(handle: string, signal: AbortSignal): Promise<Batch> {
    return parseAnswer(
      Batch,
      await this.#http.json({ path: this.#at(`/batches/${encodeURIComponent(handle)}`) }, signal),
      "a batch",
    );
  }

  #at(path: string): string {
    return `${this.#http.root}${path}`;
  }
}

const ENDS: Readonly<Record<string, BatchEnd>> = {
  completed: "completed",
  cancelled: "cancelled",
  expired: "expired",
  failed: "failed",
};

function rowOf({ custom_id, response, error }: z.infer<typeof ResultLine>): BatchRow {
  if (response !== null && response !== undefined) {
    const body = JSON.stringify(response.body ?? null);
    const isReply = response.status_code >= 200 && response.status_code < 300;
    return isReply ? { type: "reply", id: custom_id, body } : refusedRow(custom_id, response.status_code, body);
  }
  const { code, message } = typeof error === "string" ? { code: "", message: error } : (error ?? {});
  const detail = [code, message].filter(Boolean).join(": ");
  if (/^batch_(expired|cancell?ed)$/.test(code ?? "")) return { type: "not-run", id: custom_id, detail };
  return refusedRow(custom_id, 500, detail); // it names no status: a direct call will tell
}
