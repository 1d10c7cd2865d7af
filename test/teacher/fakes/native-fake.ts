/** @file What the fakes of the native APIs share: their options, their books, and how a reply is cut at its limit. */
import type { FakeAnswer, FakeRequest, FaultServer, FaultServerOptions } from "./fault-server.ts";

/** What the model says. */
export interface NativeReply {
  readonly thinking?: string;
  readonly answer?: string;
  /** The API's own word for an end that is neither natural nor the limit's, for example `SAFETY`. */
  readonly finish?: string;
  readonly hasUsage?: boolean;
}

/** How a fake behaves. */
export interface NativeFakeOptions extends Pick<FaultServerOptions, "fault" | "pieceMs"> {
  readonly reply: (prompt: string, request: FakeRequest) => NativeReply;
  /** The one key that it takes. */
  readonly apiKey: string;
  /** The one model that it knows. */
  readonly model: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Refuses streams with the API's 400. */
  readonly refusesStreams?: boolean;
}

/** A fake that runs, and its own books. */
export interface NativeFake extends FaultServer {
  /** What a recipe gives as `baseUrl`. */
  readonly baseUrl: string;
  /** What it billed: every reply that it began to send. */
  readonly billed: { requests: number; promptTokens: number; completionTokens: number };
}

/** A reply within its limit, and what it costs. */
export interface Said {
  readonly thinking: string;
  readonly answer: string;
  readonly isCut: boolean;
  readonly finish: string | undefined;
  readonly hasUsage: boolean;
  readonly promptTokens: number;
  readonly thinkingTokens: number;
  readonly answerTokens: number;
}

/** A token is so many characters. */
const CHARACTERS_PER_TOKEN = 4;
const tokens = (text: string): number => Math.ceil(text.length / CHARACTERS_PER_TOKEN);

/** Cuts a reply at its limit and books it. */
export function say(
  reply: NativeReply,
  asked: { prompt: string; maxTokens: number },
  billed: NativeFake["billed"],
): Said {
  const characters = asked.maxTokens * CHARACTERS_PER_TOKEN;
  const { thinking = "", answer = "", finish, hasUsage = true } = reply;
  const said = {
    thinking: thinking.slice(0, characters),
    answer: answer.slice(0, Math.max(0, characters - thinking.length)),
    isCut: thinking.length + answer.length > characters,
    finish,
    hasUsage,
    promptTokens: tokens(asked.prompt),
  };
  const counted = { ...said, thinkingTokens: tokens(said.thinking), answerTokens: tokens(said.answer) };
  billed.requests += 1;
  billed.promptTokens += counted.promptTokens;
  billed.completionTokens += counted.thinkingTokens + counted.answerTokens;
  return counted;
}

/** One JSON body. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): FakeAnswer {
  return { status, contentType: "application/json", pieces: [JSON.stringify(body)], headers };
}

/** A stream's events. */
export function events(pieces: readonly string[], headers: Readonly<Record<string, string>> = {}): FakeAnswer {
  return { status: 200, contentType: "text/event-stream", pieces, headers };
}

/** Undefined where the text is not JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
