/** @file HTTP as batch APIs need it: short calls with JSON, an upload, and results streamed line by line. */
import { type Dispatcher, Pool } from "undici";
import { type BoundedLine, boundedLines } from "../../store/bounded-lines.ts";
import { excerptOf } from "../excerpt.ts";
import type { HttpResponse } from "../http-endpoint.ts";
import { retryAfterMs } from "../retry-after.ts";
import { TeacherError } from "../teacher.ts";

/** Longest silence of the server, ms: these calls do not wait for a model. */
const SILENCE_MS = 120_000;
/** Largest answer that is not a file of results. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Longest line of results: a reply of the greatest length that we take, with every character escaped, and its envelope. */
const MAX_RESULT_LINE_BYTES = 32 * 1024 * 1024;
/** Shorter keys are placeholders, and may be words of a text. */
const MIN_SECRET_CHARACTERS = 16;

/** One call. */
export interface BatchCall {
  readonly method?: "GET" | "POST" | "PUT";
  /** From the root of the host. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Where and as whom to call. */
export interface BatchHttpOptions {
  /** Up to and including the version. */
  readonly baseUrl: string;
  /** Sent with each call: the key, and what the API asks for. */
  readonly headers: Readonly<Record<string, string>>;
  /** Taken out of every text that comes back. */
  readonly apiKey?: string | undefined;
  /** What errors call it. */
  readonly called: string;
}

/** See the file's head. Redirects are not followed. */
export class BatchHttp {
  readonly origin: string;
  /** Path of `baseUrl`, without a slash at the end. */
  readonly root: string;
  readonly #pool: Pool;
  readonly #options: BatchHttpOptions;

  constructor(options: BatchHttpOptions) {
    const url = new URL(options.baseUrl);
    this.origin = url.origin;
    this.root = url.pathname.replace(/\/+$/, "");
    this.#options = options;
    this.#pool = new Pool(url.origin, {
      connect: { timeout: 15_000 },
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
    });
  }

  /**
   * A call and its whole answer.
   * @throws {TeacherError} see {@link BatchProvider}.
   */
  async call(call: BatchCall, signal: AbortSignal): Promise<HttpResponse> {
    const response = await this.#send(call, signal);
    const body = this.#redact(await this.#readAll(response, signal));
    const header = (name: string): string | undefined => [response.headers[name]].flat()[0];
    const answer = { status: response.statusCode, header, body };
    if (response.statusCode < 200 || response.statusCode > 299) throw this.#refusal(answer);
    return answer;
  }

  /** As {@link BatchHttp.call}, of an answer that is JSON. */
  async json(call: BatchCall, signal: AbortSignal): Promise<unknown> {
    const { body } = await this.call(call, signal);
    try {
      return JSON.parse(body);
    } catch {
      throw new TeacherError(
        "broken",
        `${this.#options.called}'s batch API did not answer with JSON: ${excerptOf(body)}`,
      );
    }
  }

  /** The lines of a file, those of one chunk at a time. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<readonly BoundedLine[]> {
    const response = await this.#send({ path }, signal);
    if (response.statusCode < 200 || response.statusCode > 299) {
      const body = this.#redact(await this.#readAll(response, signal));
      throw this.#refusal({ status: response.statusCode, header: () => undefined, body });
    }
    try {
      yield* boundedLines(response.body, MAX_RESULT_LINE_BYTES);
    } catch (error) {
      throw this.#broken(error, signal);
    }
  }

  /** Text without the key, should a provider echo it. */
  redact(text: string): string {
    return this.#redact(text);
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #send(
    { method = "GET", path, headers, body }: BatchCall,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const all = { accept: "application/json", ...this.#options.headers, ...headers };
    try {
      return await this.#pool.request({ method, path, headers: all, signal, ...(body === undefined ? {} : { body }) });
    } catch (error) {
      throw this.#broken(error, signal);
    }
  }

  async #readAll({ body }: Dispatcher.ResponseData, signal: AbortSignal): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) break;
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.#broken(error, signal);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  #redact(text: string): string {
    const { apiKey } = this.#options;
    return apiKey === undefined || apiKey.length < MIN_SECRET_CHARACTERS ? text : text.replaceAll(apiKey, "[key]");
  }

  #broken(cause: unknown, signal: AbortSignal): TeacherError {
    if (cause instanceof TeacherError) return cause;
    if (signal.aborted) return new TeacherError("interrupted", "the call was stopped", { cause });
    const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown";
    const fault = UNSENT.has(code) ? "unavailable" : "broken";
    return new TeacherError(fault, `the connection to ${this.#options.called}'s batch API failed (${code})`, {
      code: "network",
      cause,
    });
  }

  #refusal(response: HttpResponse): TeacherError {
    const message = `${this.#options.called}'s batch API answered HTTP ${response.status}: ${excerptOf(response.body)}`;
    return new TeacherError(statusFault(response.status, response.body), message, {
      data: { status: response.status },
      retryAfterMs: retryAfterMs(response, Date.now()),
      hint:
        HINTS[response.status] ?? "see whether this model may be used in batches; without `batch` it is asked directly",
    });
  }
}

const UNSENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const FOR_NOW = new Set([408, 409, 425, 429]);
const HINTS: Readonly<Record<number, string>> = {
  401: "check the key in the variable named by apiKeyEnv",
  402: "the account has no credit left; add some and run again: what is bought is kept",
  403: "the key may not use this API",
  404: "this server knows no such batch or batch API: check baseUrl and the model, or leave `batch` out",
};

/** What an HTTP status of a batch call means. A 5xx may come after the work was done. */
function statusFault(status: number, body: string): "unavailable" | "broken" | "run-refused" {
  if (status === 429 && body.includes('"insufficient_quota"')) return "run-refused";
  if (FOR_NOW.has(status)) return "unavailable";
  return status >= 500 ? "broken" : "run-refused";
}
