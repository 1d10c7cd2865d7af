/**
 * @file A model behind `POST {baseUrl}/chat/completions`, or `/completions` where it is given text: DeepSeek, Together, Fireworks, OpenRouter, vLLM, SGLang,
 * llama.cpp, Ollama, LM Studio, and Grappa's own programmatic teacher. The reply is read whole; a streamed one would
 * differ in `post` and in the reader of the body alone.
 */
import { AppError } from "../../core/errors.ts";
import type { Provenance } from "../../schema/records.ts";
import type { ChatMessage } from "../../ledger/request-key.ts";
import { type Divided, readChatCompletion, readTextCompletion } from "./chat-completion.ts";
import { excerptOf } from "./excerpt.ts";
import { HttpEndpoint, HttpFailure, type HttpLimits, type HttpResponse } from "./http-endpoint.ts";
import { retryAfterMs } from "./retry-after.ts";
import { type Teacher, TeacherError, type TeacherReply, type TeacherRequest } from "./teacher.ts";

/** Provider name of an endpoint that a recipe describes by URL. */
export const OPENAI_COMPATIBLE = "openai-compatible";
/** Header that tells a server how often a request was sent before. */
export const RETRY_COUNT_HEADER = "x-retry-count";

/** How messages are written as one text, for an endpoint that completes text. */
export interface TextPrompt {
  render(messages: readonly ChatMessage[]): string;
  /** Texts at which the reply ends. */
  readonly stop: readonly string[];
  /** Divides the completed text into thinking and answer. */
  split(text: string): Divided;
}

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
  readonly provenance?: Provenance;
  readonly limits?: Partial<HttpLimits>;
  /** Asks for the completion of a text instead of a chat. */
  readonly text?: TextPrompt;
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
  const { provider = OPENAI_COMPATIBLE, model, provenance = "raw", apiKey, now = Date.now, text } = options;
  const called = options.called ?? "the teacher";
  const url = checkBaseUrl(options.baseUrl, called);
  const path = `${url.pathname.replace(/\/+$/, "")}/${text === undefined ? "chat/" : ""}completions`;
  const headers = { "content-type": "application/json", accept: "application/json", ...authorization(apiKey, called) };
  const endpoint = new HttpEndpoint(url.origin, { ...DEFAULT_LIMITS, ...options.limits });

  const ask = async (request: TeacherRequest, signal: AbortSignal): Promise<TeacherReply> => {
    const body = requestBody(model, request, text);
    const retry = request.retry > 0 ? { [RETRY_COUNT_HEADER]: String(request.retry) } : {};
    const response = await endpoint.post(path, { headers: { ...headers, ...retry }, body, signal }).catch((error) => {
      throw error instanceof HttpFailure ? httpFault(error, url.origin, called) : error;
    });
    const reply = redact(response.body, apiKey);
    if (response.status < 200 || response.status > 299) throw refusal({ ...response, body: reply }, now(), called);
    const context = { promptBytes: Buffer.byteLength(body), provenance, called };
    return text === undefined ? readChatCompletion(reply, context) : readTextCompletion(reply, context, text.split);
  };
  return { provider, model, ask, close: () => endpoint.close() };
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

function requestBody(model: string, request: TeacherRequest, text: TextPrompt | undefined): string {
  const { messages, params, maxTokens } = request;
  const { temperature, topP, seed } = params;
  const sampling = { max_tokens: maxTokens, temperature, top_p: topP, seed, stream: false };
  if (text === undefined) return JSON.stringify({ model, messages, ...sampling });
  // Servers that drop special tokens from their text by default are asked to leave the thinking's delimiters in.
  const shape = { prompt: text.render(messages), stop: text.stop, skip_special_tokens: false };
  return JSON.stringify({ model, ...shape, ...sampling });
}

/** Statuses that no other request of the run can escape: bad key, no credit, unknown model or path. */
const RUN_REFUSED: Readonly<Record<number, string>> = {
  401: "check the key in the variable named by apiKeyEnv",
  402: "the account has no credit left; add some and run again: what is bought is kept",
  403: "the key may not use this model",
  404: "check baseUrl (up to and including /v1) and the model's name",
  405: "check baseUrl (up to and including /v1)",
};
const UNAVAILABLE = new Set([408, 409, 425, 429]);

function refusal(response: HttpResponse, nowMs: number, called: string): TeacherError {
  const { status, body } = response;
  const message = `${called} answered HTTP ${status}: ${excerptOf(body)}`;
  const data = { status };
  if (status >= 300 && status < 400) {
    return new TeacherError("run-refused", `${called} redirects (HTTP ${status}); redirects are not followed`, {
      data,
      hint: "give the address it redirects to as baseUrl",
    });
  }
  // OpenAI reports an empty account as 429, which no waiting cures.
  const isOutOfCredit = status === 429 && body.includes('"insufficient_quota"');
  const hint = isOutOfCredit ? RUN_REFUSED[402] : RUN_REFUSED[status];
  if (hint !== undefined) return new TeacherError("run-refused", message, { data, hint });
  if (status < 500 && !UNAVAILABLE.has(status)) return new TeacherError("row-refused", message, { data });
  return new TeacherError("unavailable", message, { data, retryAfterMs: retryAfterMs(response, nowMs) });
}

/** Shorter keys are placeholders for servers that need none (`EMPTY`, `ollama`), and may be words of a trace. */
const MIN_SECRET_CHARACTERS = 16;

/** The text without the key, should a provider echo it: neither an error nor a record may hold it. */
function redact(text: string, apiKey: string | undefined): string {
  if (apiKey === undefined || apiKey.length < MIN_SECRET_CHARACTERS) return text;
  return text.replaceAll(apiKey, "[key]");
}

function httpFault({ kind, message, wasSent, cause }: HttpFailure, origin: string, called: string): TeacherError {
  const details = { data: { origin }, cause };
  switch (kind) {
    case "aborted":
      return new TeacherError("interrupted", "the request was stopped", details);
    case "too-large":
      return new TeacherError("malformed", `${called}'s reply is too large: ${message}`, details);
    case "tls":
      return new TeacherError("run-refused", message, {
        ...details,
        code: "network",
        hint: `check the certificate of ${origin}`,
      });
    case "timeout":
      return new TeacherError("broken", message, details);
    case "network": {
      const hint = `is the server at ${origin} running and reachable?`;
      return new TeacherError(wasSent ? "broken" : "unavailable", message, { ...details, code: "network", hint });
    }
    default:
      return kind satisfies never;
  }
}
