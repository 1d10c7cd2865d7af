/**
 * @file What the fakes of the providers share: a server over real sockets that counts what it saw and billed, and the
 * faults that are the same whichever API is spoken. What an API's bodies look like is its own file's.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A request as a fake saw it. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON; `{}` where it was none. */
  readonly body: Record<string, unknown>;
  /** How many requests came before this one. */
  readonly index: number;
}

/** What goes wrong, on purpose. */
export type FakeFault =
  /** An HTTP error in the API's own shape; 429 has no Retry-After unless `headers` gives one. */
  | {
      readonly type: "status";
      readonly status: number;
      readonly message?: string;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** An error in the middle of a stream; before the first text unless `afterText`. Without a stream: its status. */
  | { readonly type: "error-event"; readonly status: number; readonly afterText?: boolean }
  /** Answers nothing, ever. */
  | { readonly type: "silent" }
  /** Sends half of the reply, then nothing more, with the connection open. */
  | { readonly type: "slow-loris" }
  /** Breaks the connection before the head, or in the middle of the body. */
  | { readonly type: "reset" }
  | { readonly type: "cut" }
  /** Ends the response in good order, before the reply's end. */
  | { readonly type: "early-end" }
  /** A 200 whose body, or one of whose events, is no JSON. */
  | { readonly type: "malformed" }
  /** A 200 with a page of HTML. */
  | { readonly type: "wrong-content-type" }
  /** A 200 of so many bytes of text. */
  | { readonly type: "huge"; readonly bytes: number };

/** What a fake answers to one request. */
export interface FakeReply {
  readonly thinking?: string;
  readonly answer?: string;
  readonly finish?: "stop" | "length" | "content_filter";
  /** One a word unless told. */
  readonly promptTokens?: number;
  readonly answerTokens?: number;
  readonly thinkingTokens?: number;
  /** Reports no usage (and bills all the same). */
  readonly hidesUsage?: boolean;
  /** Gives a second choice that says something else; only where the API has choices. */
  readonly hasSecondChoice?: boolean;
  /** Answers with one JSON body although a stream was asked for. */
  readonly isWhole?: boolean;
  /** Characters of an event's text. */
  readonly eventCharacters?: number;
  readonly latencyMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly fault?: FakeFault;
}

/** Chooses what each request gets; a text is an answer. */
export type FakeScript = (request: FakeRequest) => FakeReply | string | Promise<FakeReply | string>;

/** What a fake billed: every reply that it produced, whether it arrived or not. */
export interface FakeBill {
  requests: number;
  promptTokens: number;
  /** Thinking and answer. */
  completionTokens: number;
}

/** A running fake. */
export interface Fake {
  /** What a recipe gives as `baseUrl`. */
  readonly baseUrl: string;
  /** The same server where TLS is wanted: no secure connection can be had. */
  readonly tlsUrl: string;
  readonly apiKey: string;
  readonly requests: readonly FakeRequest[];
  readonly bill: Readonly<FakeBill>;
  /** Requests being answered now, and the most there ever were. */
  readonly load: { readonly now: number; readonly most: number };
  close(): Promise<void>;
}

/** How a fake is started. */
export interface FakeOptions {
  readonly script?: FakeScript;
  /** 0, the default, takes any free one. */
  readonly port?: number;
  readonly apiKey?: string;
}

/** A reply with everything in its place. */
export interface WholeReply {
  readonly thinking: string;
  readonly answer: string;
  readonly finish: "stop" | "length" | "content_filter";
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly thinkingTokens: number;
  readonly hidesUsage: boolean;
  readonly hasSecondChoice: boolean;
}

/** An event of a stream, as it is written. */
export interface FakeEvent {
  readonly name?: string;
  /** JSON unless it is a text. */
  readonly data: unknown;
}

/** One API's shapes. */
export interface FakeApi {
  /** Of the base URL, for example `/v1`. */
  readonly prefix: string;
  /** Refuses what the real API refuses: undefined where the request is good. */
  check(request: FakeRequest, apiKey: string): Refusal | undefined;
  isStreamed(request: FakeRequest): boolean;
  /** All text that the prompt holds, for the count of its tokens. */
  promptText(request: FakeRequest): string;
  error(refusal: Refusal): unknown;
  whole(reply: WholeReply, request: FakeRequest): unknown;
  events(reply: WholeReply, request: FakeRequest, pieces: Pieces): FakeEvent[];
  errorEvent(refusal: Refusal): FakeEvent;
  /** How many of the events come before the first text. */
  readonly leadingEvents: number;
}

/** The reply's texts in pieces, as events carry them. */
export interface Pieces {
  readonly thinking: readonly string[];
  readonly answer: readonly string[];
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The key that fakes want unless told another. */
export const FAKE_KEY = "fake-key-0123456789abcdef0123456789";

/** One token a word: what a fake counts. */
export const wordsOf = (text: string): number => text.split(/\s+/).filter(Boolean).length;

/** Starts a fake on 127.0.0.1. */
export async function startFake(
  api: FakeApi,
  { script = () => ({}), port = 0, apiKey = FAKE_KEY }: FakeOptions,
): Promise<Fake> {
  const requests: FakeRequest[] = [];
  const bill: FakeBill = { requests: 0, promptTokens: 0, completionTokens: 0 };
  const load = { now: 0, most: 0 };
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = incoming;
    const request = { method, path: url, headers, body: parse(Buffer.concat(chunks)), index: requests.length };
    requests.push(request);
    load.most = Math.max(load.most, ++load.now);
    response.once("close", () => (load.now -= 1));
    response.on("error", () => undefined); // a client that has gone is no fault of the fake's
    const refusal = api.check(request, apiKey);
    if (refusal !== undefined) return sendError(api, response, refusal);
    const said = await script(request);
    await answer({ api, request, response, bill }, typeof said === "string" ? { answer: said } : said);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const origin = `127.0.0.1:${(server.address() as AddressInfo).port}${api.prefix}`;
  return {
    baseUrl: `http://${origin}`,
    tlsUrl: `https://${origin}`,
    apiKey,
    requests,
    bill,
    load,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(bytes.toString());
    return typeof body === "object" && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function sendError(api: FakeApi, response: ServerResponse, refusal: Refusal): void {
  response.writeHead(refusal.status, { "content-type": "application/json", ...refusal.headers });
  response.end(JSON.stringify(api.error(refusal)));
}

interface Exchange {
  readonly api: FakeApi;
  readonly request: FakeRequest;
  readonly response: ServerResponse;
  readonly bill: FakeBill;
}

async function answer(exchange: Exchange, said: FakeReply): Promise<void> {
  const { api, request, response, bill } = exchange;
  const { fault, latencyMs = 0 } = said;
  if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
  const isStreamed = api.isStreamed(request) && said.isWhole !== true;
  if (fault?.type === "status") return sendError(api, response, { message: `fault ${fault.status}`, ...fault });
  if (fault?.type === "error-event" && !isStreamed)
    return sendError(api, response, { status: fault.status, message: `fault ${fault.status}` });
  if (fault?.type === "silent") return;
  const reply = completed(said, api.promptText(request));
  if (fault?.type !== "error-event" || fault.afterText === true) {
    bill.requests += 1;
    bill.promptTokens += reply.promptTokens;
    bill.completionTokens += reply.answerTokens + reply.thinkingTokens;
  }
  if (fault?.type === "reset") return void response.socket?.resetAndDestroy();
  if (fault?.type === "wrong-content-type") {
    response.writeHead(200, { "content-type": "text/html" }).end("<html><body><h1>Welcome to nginx</h1></body></html>");
    return;
  }
  if (isStreamed) stream(exchange, reply, said);
  else whole(exchange, reply, said);
}

function completed(said: FakeReply, prompt: string): WholeReply {
  const { thinking = "", answer: text = "", finish = "stop" } = said;
  const big = said.fault?.type === "huge" ? "x ".repeat(said.fault.bytes / 2) : "";
  return {
    thinking,
    answer: text + big,
    finish,
    promptTokens: said.promptTokens ?? wordsOf(prompt),
    answerTokens: said.answerTokens ?? wordsOf(text + big),
    thinkingTokens: said.thinkingTokens ?? wordsOf(thinking),
    hidesUsage: said.hidesUsage ?? false,
    hasSecondChoice: said.hasSecondChoice ?? false,
  };
}

function whole({ api, request, response }: Exchange, reply: WholeReply, { fault, headers }: FakeReply): void {
  const body = JSON.stringify(api.whole(reply, request));
  const half = body.slice(0, Math.floor(body.length / 2));
  response.writeHead(200, { "content-type": "application/json", ...headers });
  if (fault?.type === "malformed" || fault?.type === "early-end") response.end(half);
  else if (fault?.type === "slow-loris") response.write(half);
  else if (fault?.type === "cut") response.write(half, () => response.socket?.resetAndDestroy());
  else response.end(body);
}

function stream({ api, request, response }: Exchange, reply: WholeReply, said: FakeReply): void {
  const { fault, eventCharacters = 4000, headers } = said;
  const pieces = { thinking: cut(reply.thinking, eventCharacters), answer: cut(reply.answer, eventCharacters) };
  const events = api.events(reply, request, pieces);
  const middle = Math.max(1, Math.min(api.leadingEvents + 1, events.length - 1));
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", ...headers });
  const before = events.slice(0, middle);
  switch (fault?.type) {
    case "error-event": {
      const refusal = { status: fault.status, message: `fault ${fault.status}` };
      const kept = fault.afterText === true ? before : before.slice(0, api.leadingEvents);
      response.end(written([...kept, api.errorEvent(refusal)]));
      return;
    }
    case "malformed":
      response.end(`${written(before)}data: {"choices": [}\n\n${written(events.slice(middle))}`);
      return;
    case "early-end":
      response.end(written(before));
      return;
    case "slow-loris":
      response.write(written(before));
      return;
    case "cut":
      response.write(written(before), () => response.socket?.resetAndDestroy());
      return;
    default:
      response.end(written(events));
  }
}

function cut(text: string, characters: number): string[] {
  return Array.from({ length: Math.ceil(text.length / characters) }, (_, index) =>
    text.slice(index * characters, (index + 1) * characters),
  );
}

function written(events: readonly FakeEvent[]): string {
  return events
    .map(({ name, data }) => {
      const text = typeof data === "string" ? data : JSON.stringify(data);
      return `${name === undefined ? "" : `event: ${name}\n`}data: ${text}\n\n`;
    })
    .join("");
}

/** The names of a body's fields that the API does not know. */
export function unknownFields(body: Readonly<Record<string, unknown>>, known: readonly string[]): string[] {
  return Object.keys(body).filter((name) => !known.includes(name));
}

/** A value's fields; none where it is no object. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A text itself; anything else as JSON, nothing as an empty text. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
