/**
 * @file A model behind `POST {baseUrl}/chat/completions`, or `/completions` where it is given text: DeepSeek, Together,
 * Fireworks, OpenRouter, vLLM, SGLang, llama.cpp, Ollama, LM Studio, and Grappa's own programmatic teacher. Replies are
 * streamed, so that silence and a long thought can be told apart; a server that answers whole is read whole.
 */
import { AppError } from "../../core/errors.ts";
import type { ReasoningKind } from "../../schema/endpoint.ts";
import { type CompletionBody, readChatCompletion, readTextCompletion } from "./chat-completion.ts";
import { completionBody, type Streaming, type TextPrompt } from "./completion-request.ts";
import { CompletionStream, endedEarly } from "./completion-stream.ts";
import { HttpEndpoint, HttpFailure, type HttpHead, type HttpLimits, type HttpResponse } from "./http-endpoint.ts";
import { httpFault, redact, refusal } from "./provider-fault.ts";
import { rateLimitReport } from "./rate-limit-headers.ts";
import { SseReader } from "./sse.ts";
import { type Teacher, TeacherError, type TeacherReply, type TeacherRequest } from "./teacher.ts";

/** Provider name of an endpoint that a recipe describes by URL. */
export const OPENAI_COMPATIBLE = "openai-compatible";
/** Header that tells a server how often a request was sent before. */
export const RETRY_COUNT_HEADER = "x-retry-count";

/** An endpoint. */
export interface OpenAICompatibleOptions {
  /** Its name in trace ids; not its URL. */
  readonly provider?: string;
  readonly model: string;
  /** Up to and including `/v1`. */
  readonly baseUrl: string;
  /** Sent as a bearer token; never part of any message, record or log. */
  readonly apiKey?: string;
  /** What this endpoint's reasoning is; `raw` unless told. */
  readonly provenance?: ReasoningKind;
  /** How a cut reply can be gone on with; not at all unless told. */
  readonly continuation?: NonNullable<Teacher["continuation"]>;
  readonly limits?: Partial<HttpLimits>;
  /** Asks for the completion of a text instead of a chat. */
  readonly text?: TextPrompt;
  /** Whether replies are asked for as streams, as they are unless told; a server that refuses is asked for whole ones. */
  readonly isStreaming?: boolean;
  /** What errors call it; `the teacher` unless told. */
  readonly called?: string;
  /** Milliseconds since 1970, for a `Retry-After` that is a date. */
  readonly now?: () => number;
}

const DEFAULT_LIMITS: HttpLimits = {
  firstByteTimeoutMs: 45 * 60_000, // 32k tokens at 15 tokens a second take 36 minutes, and come in one piece
  idleTimeoutMs: 120_000,
  maxBodyBytes: 64 * 1024 * 1024,
};

/**
 * Opens an endpoint; nothing is sent until it is asked.
 * @throws {AppError} `recipe-invalid`: the URL is not http(s), or carries a password or query; `usage`: an impossible key.
 */
export function openAICompatibleTeacher(options: OpenAICompatibleOptions): Teacher {
  const { provider = OPENAI_COMPATIBLE, model, provenance = "raw", continuation = "none" } = options;
  const called = options.called ?? "the teacher";
  const url = checkBaseUrl(options.baseUrl, called);
  const client = new CompletionClient({ ...options, called, provenance, url });
  return {
    provider,
    model,
    reasoning: provenance,
    continuation,
    ask: (request, signal) => client.ask(request, signal),
    close: () => client.close(),
  };
}

type ClientOptions = OpenAICompatibleOptions & {
  readonly called: string;
  readonly provenance: ReasoningKind;
  readonly url: URL;
};

/** One endpoint's client. It remembers how far the server streams. */
class CompletionClient {
  readonly #options: ClientOptions;
  readonly #endpoint: HttpEndpoint;
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;
  #streaming: Streaming;

  constructor(options: ClientOptions) {
    const { url, text, apiKey, called } = options;
    this.#options = options;
    this.#path = `${url.pathname.replace(/\/+$/, "")}/${text === undefined ? "chat/" : ""}completions`;
    const accept = "text/event-stream, application/json";
    this.#headers = { "content-type": "application/json", accept, ...authorization(apiKey, called) };
    this.#endpoint = new HttpEndpoint(url.origin, { ...DEFAULT_LIMITS, ...options.limits });
    this.#streaming = (options.isStreaming ?? true) ? "with-usage" : "none";
  }

  close(): Promise<void> {
    return this.#endpoint.close();
  }

  async ask(request: TeacherRequest, signal: AbortSignal): Promise<TeacherReply> {
    for (;;) {
      const streaming = this.#streaming;
      try {
        return await this.#askAs(streaming, request, signal);
      } catch (error) {
        const next = lessStreaming(streaming, error);
        if (next === undefined) throw error;
        if (this.#streaming === streaming) this.#streaming = next; // another request may have found out first
      }
    }
  }

  async #askAs(streaming: Streaming, request: TeacherRequest, signal: AbortSignal): Promise<TeacherReply> {
    const { model, text, apiKey, called, provenance, url, now = Date.now } = this.#options;
    const takesReasoningContent = /(^|\.)deepseek\.com$/.test(url.hostname);
    const body = completionBody(request, { model, streaming, text, takesReasoningContent });
    const retry = request.retry > 0 ? { [RETRY_COUNT_HEADER]: String(request.retry) } : {};
    const reading = new ReplyReading(called);
    const headers = { ...this.#headers, ...retry };
    const response = await this.#endpoint
      .post(this.#path, { headers, body, signal, readerFor: (head) => reading.readerFor(head) })
      .catch((error: unknown) => {
        throw this.#explain(error);
      });
    if (response.status < 200 || response.status > 299)
      throw refusal({ ...response, body: redact(response.body, apiKey) }, { called, nowMs: now() });
    const whole = redacted(reading.body(response), apiKey);
    const context = { promptBytes: Buffer.byteLength(body), provenance, called };
    const reply =
      text === undefined ? readChatCompletion(whole, context) : readTextCompletion(whole, context, text.split);
    return { ...continued(reply, request), timing: reading.timing(), rateLimit: rateLimitReport(response, now()) };
  }

  #explain(error: unknown): unknown {
    const { called, url, apiKey } = this.#options;
    if (error instanceof HttpFailure) return httpFault(error, url.origin, called);
    if (error instanceof RangeError) return new TeacherError("malformed", `${called}'s reply: ${error.message}`);
    if (!(error instanceof TeacherError) || apiKey === undefined || !error.message.includes(apiKey)) return error;
    return new TeacherError(error.fault, redact(error.message, apiKey));
  }
}

/** Reads one response, streamed or whole, and takes its times. */
class ReplyReading {
  readonly #called: string;
  readonly #start = performance.now();
  #firstText: number | undefined;
  #stream: CompletionStream | undefined;
  #events: SseReader | undefined;

  constructor(called: string) {
    this.#called = called;
  }

  /** A reader of the body where it is a stream. */
  readerFor({ status, header }: HttpHead): ((piece: string) => void) | undefined {
    if (status < 200 || status > 299 || !/^\s*text\/event-stream/i.test(header("content-type") ?? "")) return undefined;
    const stream = new CompletionStream(this.#called);
    const events = new SseReader((event) => {
      if (stream.take(event)) this.#firstText ??= performance.now();
    });
    this.#stream = stream;
    this.#events = events;
    return (piece) => events.push(piece);
  }

  /** The body, whole. Throws as the stream does. */
  body({ body }: HttpResponse): CompletionBody {
    try {
      this.#events?.end();
    } catch {
      throw endedEarly(this.#called); // its last event is torn
    }
    return this.#stream?.body() ?? body;
  }

  timing(): { firstTokenMs: number; totalMs: number } {
    const end = performance.now();
    const round = (ms: number): number => Math.round(ms * 10) / 10;
    return { firstTokenMs: round((this.#firstText ?? end) - this.#start), totalMs: round(end - this.#start) };
  }
}

/** The next form to ask in where the server refused to stream; undefined where that was not what it refused. */
function lessStreaming(streaming: Streaming, error: unknown): Streaming | undefined {
  if (streaming === "none" || !(error instanceof TeacherError) || error.fault !== "row-refused") return undefined;
  if (!/stream/i.test(error.message)) return undefined;
  return streaming === "with-usage" ? "plain" : "none";
}

/** A begun thought that goes on has no opening tag, and while it lasts no closing one: what came is thinking. */
function continued(reply: TeacherReply, { goOnFrom }: TeacherRequest): TeacherReply {
  if (goOnFrom === undefined || goOnFrom.isThinkingOver || goOnFrom.answer !== "") return reply;
  if (reply.thinking !== "" || reply.finishReason !== "length") return reply;
  return { ...reply, thinking: reply.answer, answer: "" };
}

function redacted(body: CompletionBody, apiKey: string | undefined): CompletionBody {
  if (typeof body === "string") return redact(body, apiKey);
  if (apiKey === undefined) return body;
  const text = JSON.stringify(body);
  return text.includes(apiKey) ? (JSON.parse(redact(text, apiKey)) as CompletionBody) : body;
}

/**
 * The key in an environment variable.
 * @throws {AppError} `usage`: not set; the message names the variable.
 */
export function readApiKey(environment: Readonly<Record<string, string | undefined>>, name: string): string {
  const key = environment[name]?.trim() ?? "";
  if (key !== "") return key;
  throw new AppError("usage", `the environment variable ${name} is not set`, {
    hint: `set ${name} to the teacher's key, or leave apiKeyEnv out if the endpoint needs none`,
  });
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

function authorization(apiKey: string | undefined, called: string): Record<string, string> {
  if (apiKey === undefined) return {};
  if (/^[\x21-\x7e]+$/.test(apiKey)) return { authorization: `Bearer ${apiKey}` };
  throw new AppError("usage", `${called}'s key holds a character that no header can carry`, {
    hint: "check the variable for spaces, line ends or quotes around the key",
  });
}
