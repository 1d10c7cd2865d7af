/** @file One `/v1/completions` endpoint: a body out, a checked reply back, tried again where the connection or the server broke. */
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { bearer, keyRedactor } from "../teacher/api-key.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import {
  HttpEndpoint,
  HttpFailure,
  type HttpHead,
  type HttpLimits,
  type HttpResponse,
} from "../teacher/http-endpoint.ts";
import { parseJson } from "../teacher/json-fields.ts";
import { retryDelayMs, systemWaiting, type Waiting } from "../teacher/retry-delay.ts";
import { ChunkReader, type ChunkTaker, StreamBroken, type StreamEnd, StreamLeft } from "./completion-chunks.ts";

const Choice = z.object({
  text: z.string().default(""),
  finish_reason: z.string().nullish(),
  stop_reason: z.union([z.int(), z.string()]).nullish(),
  token_ids: z.array(z.int().min(0)).nullish(),
});
const Reply = z.object({ choices: z.array(Choice).min(1) });

/** What came back for a prompt. */
export interface CompletionReply {
  readonly text: string;
  readonly finishReason: string;
  /** The id or text that ended it, where the server tells. */
  readonly stopReason: number | string | undefined;
  /** undefined where the server returns none. */
  readonly tokenIds: readonly number[] | undefined;
}

/** Where completions are asked for. */
export interface CompletionsAddress {
  /** Up to and with `/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  readonly limits?: Partial<HttpLimits>;
  /** Tries of one request. */
  readonly maxTries?: number;
  readonly waiting?: Waiting;
}

/** A long segment on a busy server takes its time; a dead one closes the connection. */
const LIMITS: HttpLimits = { firstByteTimeoutMs: 1_800_000, idleTimeoutMs: 300_000, maxBodyBytes: 16 * 1024 * 1024 };
const MAX_TRIES = 8;

/** Posts bodies and reads replies. */
export class CompletionsExchange {
  readonly #endpoint: HttpEndpoint;
  readonly #path: string;
  readonly #address: CompletionsAddress;
  readonly #waiting: Waiting;
  readonly #redact: (text: string) => string;
  #asked = 0;

  /** @throws {AppError} usage: the address is none */
  constructor(address: CompletionsAddress) {
    const url = httpUrl(address.baseUrl);
    this.#endpoint = new HttpEndpoint(url.origin, { ...LIMITS, ...address.limits });
    this.#path = `${url.pathname.replace(/\/+$/, "")}/completions`;
    this.#address = address;
    this.#waiting = address.waiting ?? systemWaiting(0);
    this.#redact = keyRedactor(address.apiKey);
  }

  /**
   * The reply to a body.
   * @throws {AppError} provider-permanent: refused (4xx; `data.status`); provider: no good reply in all tries; interrupted
   */
  post(body: unknown, signal: AbortSignal | undefined): Promise<CompletionReply> {
    const text = JSON.stringify(body);
    return this.#persist((until) => this.#try(text, until), signal);
  }

  /**
   * The reply to a body that asks for a stream, piece by piece; a server that streams nothing gives it in one piece. It is asked for
   * again as long as nothing of it was given out.
   * @throws {AppError} as `post`; and whatever the taker throws
   */
  stream(body: unknown, take: ChunkTaker, signal: AbortSignal | undefined): Promise<StreamEnd> {
    const text = JSON.stringify(body);
    return this.#persist((until) => this.#tryStream(text, take, until), signal);
  }

  /** Ends all connections at once. */
  close(): Promise<void> {
    return this.#endpoint.close();
  }

  /** Tries until there is a result, the tries are used up, or trying again mends nothing. */
  async #persist<T>(work: (signal: AbortSignal) => Promise<Outcome<T>>, given: AbortSignal | undefined): Promise<T> {
    const key = String(this.#asked++);
    const signal = given ?? new AbortController().signal;
    for (let retry = 1; ; retry++) {
      const outcome = await work(signal);
      if (outcome.type === "reply") return outcome.reply;
      if (retry >= (this.#address.maxTries ?? MAX_TRIES)) throw outcome.error;
      if (!outcome.error.isRetryable) throw outcome.error;
      const delayMs = retryDelayMs({ key, retry, retryAfterMs: 0 }, this.#waiting.seed);
      await this.#waiting.sleep(delayMs, signal);
      if (signal.aborted) throw interrupted(signal.reason);
    }
  }

  async #try(body: string, signal: AbortSignal): Promise<Outcome<CompletionReply>> {
    try {
      const response = await this.#endpoint.post(this.#path, { headers: this.#headers, body, signal });
      const reply = response.status === 200 ? readReply(response.body) : undefined;
      return reply === undefined ? { type: "failed", error: this.#badResponse(response) } : { type: "reply", reply };
    } catch (error) {
      return this.#noReply(error, signal);
    }
  }

  async #tryStream(body: string, take: ChunkTaker, signal: AbortSignal): Promise<Outcome<StreamEnd>> {
    const reader = new ChunkReader(take);
    const readerFor = (head: HttpHead): ((piece: string) => void) | undefined =>
      isStream(head) ? (piece) => reader.push(piece) : undefined;
    try {
      const response = await this.#endpoint.post(this.#path, { headers: this.#headers, body, signal, readerFor });
      if (!isStream(response)) return this.#takeWhole(response, take);
      reader.end();
      if (reader.isWhole) return { type: "reply", reply: "whole" };
      throw new StreamBroken("ended its stream without an end of the reply");
    } catch (error) {
      if (error instanceof StreamLeft) return { type: "reply", reply: "left" };
      const isBroken = error instanceof StreamBroken || (error instanceof HttpFailure && error.kind !== "aborted");
      if (isBroken && reader.hasRead) return { type: "reply", reply: reader.isWhole ? "whole" : "broken" };
      if (!(error instanceof StreamBroken)) return this.#noReply(error, signal);
      const message = `the server ${this.#address.baseUrl} ${this.#redact(error.message)}`;
      return { type: "failed", error: new AppError("provider", message, { isRetryable: true }) };
    }
  }

  /** A reply that was not streamed though it was asked to be. */
  #takeWhole(response: HttpResponse, take: ChunkTaker): Outcome<StreamEnd> {
    const reply = response.status === 200 ? readReply(response.body) : undefined;
    if (reply === undefined) return { type: "failed", error: this.#badResponse(response) };
    const { text, tokenIds, finishReason } = reply;
    take({ text, tokenIds, finishReason: finishReason === "" ? "length" : finishReason });
    return { type: "reply", reply: "whole" };
  }

  get #headers(): Readonly<Record<string, string>> {
    return { "content-type": "application/json", ...bearer(this.#address.apiKey) };
  }

  #noReply(error: unknown, signal: AbortSignal): Failed {
    if (!(error instanceof HttpFailure)) throw error;
    if (error.kind === "aborted") throw interrupted(signal.reason);
    const isRetryable = error.kind === "network" || error.kind === "timeout";
    const message = `the server ${this.#address.baseUrl} gave no reply: ${error.message}`;
    return { type: "failed", error: new AppError("provider", message, { cause: error, isRetryable }) };
  }

  #badResponse({ status, body }: HttpResponse): AppError {
    const said = this.#redact(excerptOf(body));
    const isRetryable = status === 200 || status === 408 || status === 429 || status >= 500;
    const what = status === 200 ? "sent what is no completion" : `refused a completion (HTTP ${status})`;
    return new AppError(
      isRetryable ? "provider" : "provider-permanent",
      `the server ${this.#address.baseUrl} ${what}: ${said}`,
      { data: { status }, isRetryable },
    );
  }
}

interface Failed {
  readonly type: "failed";
  readonly error: AppError;
}

type Outcome<T> = { readonly type: "reply"; readonly reply: T } | Failed;

function isStream({ status, header }: HttpHead): boolean {
  return status === 200 && /^text\/event-stream\b/i.test(header("content-type") ?? "");
}

function readReply(body: string): CompletionReply | undefined {
  const parsed = Reply.safeParse(parseJson(body));
  const choice = parsed.data?.choices[0];
  if (choice === undefined) return undefined;
  return {
    text: choice.text,
    finishReason: choice.finish_reason ?? "",
    stopReason: choice.stop_reason ?? undefined,
    tokenIds: choice.token_ids ?? undefined,
  };
}

function httpUrl(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new AppError("usage", `"${baseUrl}" is no address of a server`, {
    hint: "give one that begins with http:// or https:// and ends in /v1",
  });
}

function interrupted(cause: unknown): AppError {
  return new AppError("interrupted", "decoding was interrupted", { cause, isRetryable: true });
}
