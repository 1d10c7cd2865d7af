/**
 * @file What every provider's client does, whichever API it speaks: sends a request, reads the stream or the whole body
 * that comes back, sorts what goes wrong, and lets the key out nowhere.
 */
import { AppError } from "../../core/errors.ts";
import type { ReasoningKind } from "../../schema/endpoint.ts";
import { checkApiKey, keyRedactor } from "./api-key.ts";
import { HttpEndpoint, HttpFailure, type HttpHead, type HttpLimits, type HttpResponse } from "./http-endpoint.ts";
import { httpFault, refusal, refusesStream } from "./provider-fault.ts";
import { rateLimitReport } from "./rate-limit-headers.ts";
import { endedEarly, type ReplyContext, type ReplyReader } from "./reply-reader.ts";
import { SseReader } from "./sse.ts";
import { type ReplyTiming, type Teacher, TeacherError, type TeacherReply, type TeacherRequest } from "./teacher.ts";

/** Header that tells a server how often a request was sent before. */
export const RETRY_COUNT_HEADER = "x-retry-count";

/** An endpoint, whichever API it speaks. */
export interface ClientOptions {
  /** Its name in trace ids; not its URL. */
  readonly provider: string;
  readonly model: string;
  readonly baseUrl: string;
  /** Never part of any message, record or log. */
  readonly apiKey?: string;
  /** What errors call it; `the teacher` unless told. */
  readonly called?: string;
  readonly limits?: Partial<HttpLimits>;
  /** Whether replies are asked for as streams, as they are unless told; a server that refuses is asked for whole ones. */
  readonly isStreaming?: boolean;
  /** Milliseconds since 1970, for times that headers give as dates. */
  readonly now?: () => number;
}

/** How far streaming is asked for: servers that refuse one form are asked in the next. */
export type Streaming = "with-usage" | "plain" | "none";

/** One request in an API's words. */
export interface ComposedRequest {
  /** Below the base URL's. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Opens a reader for what comes back. */
  reader(context: ReplyContext): ReplyReader;
}

/** One API. */
export interface ProviderApi {
  readonly reasoning: ReasoningKind;
  readonly continuation?: NonNullable<Teacher["continuation"]>;
  /** Other limits than most APIs need. */
  readonly limits?: Partial<HttpLimits>;
  /** Headers of every request. */
  headers(apiKey: string | undefined): Readonly<Record<string, string>>;
  /** @throws {TeacherError} the request cannot be put in this API's words. */
  compose(request: TeacherRequest, streaming: Streaming): ComposedRequest;
  /** The next form to ask in where the server refused to stream in this one. */
  lessStreaming?(streaming: Streaming): Streaming;
  /** Learns from a refusal how this model wants to be asked; true where the same request is worth sending once more. */
  learn?(refused: HttpResponse): boolean;
}

const DEFAULT_LIMITS: HttpLimits = {
  firstByteTimeoutMs: 45 * 60_000, // 32k tokens at 15 tokens a second take 36 minutes, and come whole without a stream
  idleTimeoutMs: 120_000,
  maxBodyBytes: 64 * 1024 * 1024,
};

/**
 * Opens an endpoint; nothing is sent until it is asked.
 * @throws {AppError} `recipe-invalid`: the URL is not http(s), or carries a password or query; `usage`: an impossible key.
 */
export function openClient(options: ClientOptions, api: ProviderApi): Teacher {
  const { provider, model } = options;
  const { reasoning, continuation = "none" } = api;
  const client = new ProviderClient(options, api);
  return {
    provider,
    model,
    reasoning,
    continuation,
    ask: (request, signal) => client.ask(request, signal),
    close: () => client.close(),
  };
}

/** One endpoint's client. It remembers how far the server streams. */
class ProviderClient {
  readonly #api: ProviderApi;
  readonly #endpoint: HttpEndpoint;
  readonly #origin: string;
  readonly #basePath: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #called: string;
  readonly #redact: (text: string) => string;
  readonly #now: () => number;
  #streaming: Streaming;

  constructor(options: ClientOptions, api: ProviderApi) {
    const { apiKey, called = "the teacher", now = Date.now, isStreaming = true } = options;
    const url = checkBaseUrl(options.baseUrl, called);
    const key = apiKey === undefined ? undefined : checkApiKey(apiKey, called);
    this.#api = api;
    this.#endpoint = new HttpEndpoint(url.origin, { ...DEFAULT_LIMITS, ...api.limits, ...options.limits });
    this.#origin = url.origin;
    this.#basePath = url.pathname.replace(/\/+$/, "");
    const accept = "text/event-stream, application/json";
    this.#headers = { "content-type": "application/json", accept, ...api.headers(key) };
    this.#called = called;
    this.#redact = keyRedactor(key);
    this.#now = now;
    this.#streaming = isStreaming ? "with-usage" : "none";
  }

  close(): Promise<void> {
    return this.#endpoint.close();
  }

  async ask(request: TeacherRequest, signal: AbortSignal): Promise<TeacherReply> {
    for (let [hasLearnt, streaming] = [false, this.#streaming]; ; ) {
      const outcome = await this.#exchange(request, { streaming, signal });
      if ("reply" in outcome) {
        this.#streaming = streaming; // what was refused as a stream and taken otherwise shows how this server is asked
        return outcome.reply;
      }
      const { refused } = outcome;
      if (streaming !== "none" && refusesStream(refused)) {
        streaming = this.#api.lessStreaming?.(streaming) ?? "none";
      } else if (!hasLearnt && this.#api.learn?.(refused) === true) hasLearnt = true;
      else throw refusal(refused, { called: this.#called, nowMs: this.#now() });
    }
  }

  async #exchange(
    request: TeacherRequest,
    { streaming, signal }: { streaming: Streaming; signal: AbortSignal },
  ): Promise<{ readonly reply: TeacherReply } | { readonly refused: HttpResponse }> {
    const called = this.#called;
    const { path, body, reader } = this.#api.compose(request, streaming);
    const text = JSON.stringify(body);
    const reading = new ReplyReading(reader({ promptBytes: Buffer.byteLength(text), called }), this.#redact);
    const retry = request.retry > 0 ? { [RETRY_COUNT_HEADER]: String(request.retry) } : {};
    const post = { headers: { ...this.#headers, ...retry }, body: text, signal };
    const readerFor = (head: HttpHead): ((piece: string) => void) | undefined => reading.readerFor(head);
    try {
      const response = await this.#endpoint
        .post(this.#basePath + path, { ...post, readerFor })
        .catch((error: unknown) => reading.responseDespite(error));
      if (!isGood(response)) return { refused: { ...response, body: this.#redact(response.body) } };
      const reply = reading.reply(response, called);
      const { thinking, answer } = reply;
      const said = { ...reply, thinking: this.#redact(thinking), answer: this.#redact(answer) };
      return { reply: { ...said, timing: reading.timing(), rateLimit: rateLimitReport(response, this.#now()) } };
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    if (error instanceof HttpFailure) return httpFault(error, this.#origin, this.#called);
    if (error instanceof RangeError) return new TeacherError("malformed", `${this.#called}'s reply: ${error.message}`);
    return error;
  }
}

const isGood = ({ status }: HttpHead): boolean => status >= 200 && status <= 299;

/** Longest time without an event in a stream that is kept alive by comments: a long thought unseen, and no more. */
const MAX_EVENTLESS_MS = 45 * 60_000;

/** Reads one response, streamed or whole, and takes its times. */
class ReplyReading {
  readonly #reader: ReplyReader;
  readonly #redact: (text: string) => string;
  readonly #startMs = performance.now();
  #firstTextMs: number | undefined;
  #head: HttpHead | undefined;
  #events: SseReader | undefined;

  constructor(reader: ReplyReader, redact: (text: string) => string) {
    this.#reader = reader;
    this.#redact = redact;
  }

  /** A taker of the body's pieces where it is a stream. */
  readerFor(head: HttpHead): ((piece: string) => void) | undefined {
    if (!isGood(head) || !/^\s*text\/event-stream/i.test(head.header("content-type") ?? "")) return undefined;
    this.#head = head;
    const reader = this.#reader;
    let hasEvent = false;
    const takeRun = (text: string, start: number): number => {
      const end = reader.takeRun?.(text, start) ?? start; // redacted with the whole reply
      hasEvent ||= end > start;
      return end;
    };
    const events = new SseReader(({ data }) => {
      hasEvent = true;
      reader.event(this.#redact(data));
    }, takeRun);
    this.#events = events;
    let lastEventMs = performance.now();
    return (piece) => {
      hasEvent = false;
      events.push(piece);
      const nowMs = performance.now();
      if (hasEvent) lastEventMs = nowMs;
      // Comments keep a connection alive, not a reply.
      if (nowMs - lastEventMs > MAX_EVENTLESS_MS)
        throw new HttpFailure("timeout", `no event came for ${MAX_EVENTLESS_MS} ms`, { wasSent: true });
      if (this.#firstTextMs === undefined && reader.hasText) this.#firstTextMs = nowMs;
    };
  }

  /** A reply whose end was said is whole, whatever became of its connection afterwards. Else throws the error. */
  responseDespite(error: unknown): HttpResponse {
    const isLost = error instanceof HttpFailure && (error.kind === "network" || error.kind === "timeout");
    if (isLost && this.#head !== undefined && this.#reader.isComplete) return { ...this.#head, body: "" };
    throw error;
  }

  /** The reply. Throws as its reader does. */
  reply({ body }: HttpResponse, called: string): TeacherReply {
    if (this.#events === undefined) return this.#reader.whole(this.#redact(body));
    try {
      this.#events.end();
    } catch {
      throw endedEarly(called); // its last event is torn
    }
    if (!this.#reader.isComplete) throw endedEarly(called);
    return this.#reader.reply();
  }

  timing(): ReplyTiming {
    const endMs = performance.now();
    const round = (ms: number): number => Math.round(ms * 10) / 10;
    const firstTokenMs = round((this.#firstTextMs ?? endMs) - this.#startMs);
    return { firstTokenMs, totalMs: round(endMs - this.#startMs) };
  }
}

function checkBaseUrl(text: string, called: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (url !== undefined && isHttp && url.username === "" && url.password === "" && url.search === "" && url.hash === "")
    return url;
  throw new AppError("recipe-invalid", `${called}'s baseUrl is not a plain http(s) URL`, {
    hint: "write it as https://host/v1, without password or query; the key comes from the variable named by apiKeyEnv",
  });
}
