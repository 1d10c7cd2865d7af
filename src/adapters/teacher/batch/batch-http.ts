/** @file HTTP as batch APIs need it: short calls with JSON, an upload, and results streamed line by line. */
import { type Dispatcher, Pool } from "undici";
import { type BoundedLine, boundedLines } from "../../store/bounded-lines.ts";
import { keyRedactor } from "../api-key.ts";
import { excerptOf } from "../excerpt.ts";
import { type HttpResponse, networkFailure } from "../http-endpoint.ts";
import { httpFault, refusal } from "../provider-fault.ts";
import { TeacherError } from "../teacher.ts";

/** Longest silence of the server, ms: these calls do not wait for a model. */
const SILENCE_MS = 120_000;
/** Largest answer that is not a file of results. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Longest line of results: a reply of the greatest length that we take, with every character escaped, and its envelope. */
const MAX_RESULT_LINE_BYTES = 32 * 1024 * 1024;

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
  /** Text without the key, should a provider echo it. */
  readonly redact: (text: string) => string;
  readonly #pool: Pool;
  readonly #options: BatchHttpOptions;

  constructor(options: BatchHttpOptions) {
    const url = new URL(options.baseUrl);
    this.origin = url.origin;
    this.root = url.pathname.replace(/\/+$/, "");
    this.redact = keyRedactor(options.apiKey);
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
    const body = this.redact(await this.#readAll(response, signal));
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
      const body = this.redact(await this.#readAll(response, signal));
      throw this.#refusal({ status: response.statusCode, header: () => undefined, body });
    }
    try {
      yield* boundedLines(response.body, MAX_RESULT_LINE_BYTES);
    } catch (error) {
      throw this.#broken(error, signal);
    }
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

  #broken(cause: unknown, signal: AbortSignal): TeacherError {
    if (cause instanceof TeacherError) return cause;
    if (signal.aborted) return new TeacherError("interrupted", "the call was stopped", { cause });
    return httpFault(networkFailure(cause), this.origin, `${this.#options.called}'s batch API`);
  }

  /** As the direct client judges, but that a 5xx may come after the work was done, and that no call is of one row. */
  #refusal(response: HttpResponse): TeacherError {
    const called = `${this.#options.called}'s batch API`;
    const error = refusal(response, { called, nowMs: Date.now() });
    const { data, retryAfterMs, rateLimit, message } = error;
    if (error.fault === "unavailable" && response.status >= 500)
      return new TeacherError("broken", message, { data, retryAfterMs, rateLimit });
    if (error.fault !== "row-refused" && response.status !== 404) return error;
    const hint = "see whether this server and model take batches; without `batch` it is asked directly";
    return new TeacherError("run-refused", message, { data, hint });
  }
}
