/**
 * @file Gemini's Batch API (ai.google.dev/api/batch-api and /gemini-api/docs/batch-api, read 2026-11): requests are uploaded
 * as a JSONL file, each with a key; a batch is a long-running operation with our name; results are a JSONL file by key.
 */
import { z } from "zod";
import { geminiModelPath } from "../gemini.ts";
import { TeacherError } from "../teacher.ts";
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
import { parseAnswer, readRows, refusedRow } from "./result-lines.ts";

const Uploaded = z.object({
  file: z.object({
    name: z
      .string()
      .max(256)
      .regex(/^files\/[\w-]+$/),
  }),
});
/** Counts are 64-bit integers, which come as text. */
const stat = z.coerce.number().int().min(0).nullish().catch(null);
const Output = z
  .object({
    responsesFile: z
      .string()
      .regex(/^files\/[\w-]+$/)
      .nullish(),
  })
  .nullish()
  .catch(null);
const Operation = z.object({
  name: z
    .string()
    .max(256)
    .regex(/^batches\/[\w-]+$/),
  done: z.boolean().nullish(),
  metadata: z
    .object({
      state: z.string().nullish(),
      displayName: z.string().nullish(),
      batchStats: z.object({ successfulRequestCount: stat }).nullish().catch(null),
      output: Output,
    })
    .nullish(),
  response: Output,
  error: z.object({ code: z.int().nullish(), message: z.string().nullish() }).nullish().catch(null),
});
type Operation = z.infer<typeof Operation>;
const Listed = z.object({ operations: z.array(Operation).nullish(), nextPageToken: z.string().nullish() });
const Failure = z.object({ code: z.int().nullish(), message: z.string().nullish(), status: z.string().nullish() });
const ResultLine = z.object({
  key: z.string(),
  response: z.unknown().optional(),
  error: Failure.nullish(),
  status: Failure.nullish().catch(null),
});

/** HTTP statuses that the codes of google.rpc.Status stand for. */
const STATUSES: Readonly<Record<number, number>> = {
  1: 503,
  3: 400,
  4: 504,
  5: 404,
  7: 403,
  8: 429,
  9: 400,
  11: 400,
  13: 500,
  14: 503,
  16: 401,
};
const JSON_TYPE = { "content-type": "application/json" };
const GIB = 1024 * 1024 * 1024;

/** See the file's head. Nothing is sent until it is asked. */
export class GeminiBatches implements BatchProvider {
  readonly limits: BatchLimits = { maxRequests: 50_000, maxBytes: 2 * GIB };
  readonly #http: BatchHttp;
  readonly #modelPath: string;

  constructor({ model, ...options }: BatchHttpOptions & { readonly model: string }) {
    this.#http = new BatchHttp(options);
    this.#modelPath = geminiModelPath(model);
  }

  /** Google's resumable upload: announced, then sent whole to the address that the answer gives. */
  async prepare({ name, items }: BatchShard, signal: AbortSignal): Promise<string> {
    const lines = items.map(({ id, body }) => `{"key":${JSON.stringify(id)},"request":${body}}\n`);
    const file = Buffer.from(lines.join(""), "utf8");
    const headers = {
      ...JSON_TYPE,
      "x-goog-upload-protocol": "resumable",
      "x-goog-upload-command": "start",
      "x-goog-upload-header-content-length": String(file.length),
      "x-goog-upload-header-content-type": "application/jsonl",
    };
    const announced = JSON.stringify({ file: { displayName: name } });
    const start = { method: "POST", path: `/upload${this.#http.root}/files`, headers, body: announced } as const;
    const { header } = await this.#http.call(start, signal);
    const path = pathOnHost(header("x-goog-upload-url"), this.#http.origin);
    const send = { "x-goog-upload-offset": "0", "x-goog-upload-command": "upload, finalize" };
    const answer = await this.#http.json({ method: "POST", path, headers: send, body: file }, signal);
    return parseAnswer(Uploaded, answer, "an upload").file.name;
  }

  async start({ name }: BatchShard, fileName: string, signal: AbortSignal): Promise<string> {
    const path = `${this.#http.root}${this.#modelPath}:batchGenerateContent`;
    const body = JSON.stringify({ batch: { displayName: name, inputConfig: { fileName } } });
    const answer = await this.#http.json({ method: "POST", path, headers: JSON_TYPE, body }, signal);
    return parseAnswer(Operation, answer, "a new batch").name;
  }

  async find({ name }: LostBatch, _reference: string, signal: AbortSignal): Promise<BatchFound> {
    let token = "";
    for (let page = 0; page < MAX_LIST_PAGES; page++) {
      const query = `?pageSize=100${token === "" ? "" : `&pageToken=${encodeURIComponent(token)}`}`;
      const answer = await this.#http.json({ path: `${this.#http.root}/batches${query}` }, signal);
      const { operations, nextPageToken } = parseAnswer(Listed, answer, "a list of batches");
      const batch = operations?.find(({ metadata }) => metadata?.displayName === name);
      if (batch !== undefined) return { type: "found", handle: batch.name };
      if (typeof nextPageToken !== "string" || nextPageToken === "") return { type: "absent" };
      if (nextPageToken === token) break;
      token = nextPageToken;
    }
    return { type: "unsure" };
  }

  async poll(handle: string, signal: AbortSignal): Promise<BatchStatus> {
    const { done, metadata, error } = await this.#get(handle, signal);
    const state = (metadata?.state ?? "").replace(/^(BATCH|JOB)_STATE_/, "");
    const how = ENDS[state] ?? (done === true ? "completed" : undefined);
    if (how === undefined) return { type: "running" };
    const replies = metadata?.batchStats?.successfulRequestCount ?? null;
    const status = STATUSES[error?.code ?? 0] ?? 0;
    const detail = this.#http.redact(error?.message ?? "");
    return { type: "ended", how, replies, detail, isForNow: status === 429 || status >= 500 };
  }

  async *collect(handle: string, signal: AbortSignal): AsyncGenerator<BatchRow> {
    const reading = { schema: ResultLine, rowOf, redact: this.#http.redact };
    const { response, metadata } = await this.#get(handle, signal);
    const file = response?.responsesFile ?? metadata?.output?.responsesFile;
    if (typeof file !== "string") return;
    const path = `/download${this.#http.root}/${file}:download?alt=media`;
    for await (const lines of this.#http.lines(path, signal)) yield* readRows(lines, reading);
  }

  async cancel(handle: string, signal: AbortSignal): Promise<void> {
    await this.#http.call({ method: "POST", path: `${this.#http.root}/${handle}:cancel` }, signal);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #get(handle: string, signal: AbortSignal): Promise<Operation> {
    return parseAnswer(Operation, await this.#http.json({ path: `${this.#http.root}/${handle}` }, signal), "a batch");
  }
}

/** The path of an address that must lie on our host: the requests and the key go nowhere else. */
function pathOnHost(address: string | undefined, origin: string): string {
  const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined;
  if (url?.origin === origin) return `${url.pathname}${url.search}`;
  throw new TeacherError("run-refused", "the batch API names no address on its own host for the upload");
}

const ENDS: Readonly<Record<string, BatchEnd>> = {
  SUCCEEDED: "completed",
  FAILED: "failed",
  CANCELLED: "cancelled",
  EXPIRED: "expired",
};

function rowOf({ key: id, response, error, status }: z.infer<typeof ResultLine>): BatchRow {
  if (response !== undefined && response !== null) return { type: "reply", id, body: JSON.stringify(response) };
  const failure = error ?? status;
  const code = failure?.code ?? 13;
  const text = [failure?.status, failure?.message].filter(Boolean).join(": ");
  return refusedRow(id, code >= 100 ? code : (STATUSES[code] ?? 500), text);
}
