/** @file The only file that talks: to the page's own server, with its token. */
import type { ChatEvents, ChatQuestion } from "../../report/page/chat-api.ts";
import {
  type PageApi,
  type PageFault,
  type PageParts,
  type PageQuery,
  pagePath,
  type PageStreams,
  type PageWrites,
} from "../../report/page/page-api.ts";
import { authorization } from "./token.ts";
import { EventReader, type ServerEvent } from "./event-reader.ts";

/** An answer that is a fault. */
export class FaultError extends Error {
  readonly fault: PageFault;

  constructor(fault: PageFault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** Said where the server does not answer at all. */
export const SILENT: PageFault = {
  code: "network",
  message: "the server does not answer",
  hint: "it was stopped; `grappa ui` starts it again and prints a new address",
};

/** What an address answers. Throws {@link FaultError}. */
export async function getJson<Route extends keyof PageApi>(
  route: Route,
  run: string | null,
  { query, signal }: { readonly query?: PageQuery; readonly signal: AbortSignal },
): Promise<PageApi[Route]> {
  const response = await ask(pagePath(route, run, query), { signal });
  return (await response.json()) as PageApi[Route];
}

/** What a stream tells. */
export interface StreamListener<Value> {
  onValue(value: Value): void;
  onFault(fault: PageFault): void;
}

/** Listens until the signal ends it or the server does. Throws {@link FaultError} where it cannot be had, or breaks. */
export async function openStream<Route extends keyof PageStreams>(
  route: Route,
  run: string,
  { listener, signal }: { readonly listener: StreamListener<PageStreams[Route]>; readonly signal: AbortSignal },
): Promise<void> {
  await hearEvents(await ask(pagePath(route, run), { signal }), listener);
}

/** Listens to what comes in parts, to its end. Throws {@link FaultError} where it cannot be had, or breaks. */
export async function openParts<Route extends keyof PageParts>(
  route: Route,
  run: string,
  options: {
    readonly query: PageQuery;
    readonly listener: StreamListener<PageParts[Route]>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  await hearEvents(await ask(pagePath(route, run, options.query), options), options.listener);
}

/** Writes, and tells what holds then. Throws {@link FaultError}; then nothing is known to be written. */
export async function postJson<Route extends keyof PageWrites>(
  route: Route,
  run: string,
  sent: PageWrites[Route]["sent"],
): Promise<PageWrites[Route]["answer"]> {
  const response = await ask(pagePath(route, run), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(sent),
    // Also what is sent while the page is being left must arrive.
    keepalive: true,
  });
  return (await response.json()) as PageWrites[Route]["answer"];
}

/** What a reply tells, in order. */
export type ChatEvent = {
  readonly [Type in keyof ChatEvents]: { readonly type: Type; readonly value: ChatEvents[Type] };
}[keyof ChatEvents];

/** Asks a run's student; the events end with `end`. Throws {@link FaultError} where there is no reply, or it breaks. */
export async function* askStudent(
  run: string,
  question: ChatQuestion,
  signal: AbortSignal,
): AsyncGenerator<ChatEvent, void> {
  const body = JSON.stringify(question);
  for await (const { type, data } of eventsOf(
    await ask(pagePath("/runs/:run/chat", run), { method: "POST", body, signal }),
  )) {
    if (type === "fault") throw new FaultError(JSON.parse(data) as PageFault);
    yield { type, value: JSON.parse(data) as unknown } as ChatEvent;
  }
}

async function hearEvents<Value>(response: Response, listener: StreamListener<Value>): Promise<void> {
  for await (const { type, data } of eventsOf(response)) {
    if (type === "value") listener.onValue(JSON.parse(data) as Value);
    if (type === "fault") listener.onFault(JSON.parse(data) as PageFault);
  }
}

async function* eventsOf(response: Response): AsyncGenerator<ServerEvent, void> {
  const events = new EventReader();
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const part = await reader?.read().catch(() => {
      throw new FaultError(SILENT);
    });
    if (part === undefined || part.done) return;
    yield* events.take(part.value);
  }
}

async function ask(path: string, { signal, method, headers, body, keepalive }: RequestInit): Promise<Response> {
  const response = await fetch(`/api${path}`, {
    ...(method === undefined ? {} : { method, body: body ?? null, keepalive: keepalive ?? false }),
    headers: { ...authorization(), ...(headers as Record<string, string> | undefined) },
    signal: signal ?? null,
    cache: "no-store",
  }).catch((error) => {
    if (signal?.aborted === true) throw error;
    throw new FaultError(SILENT);
  });
  if (response.ok) return response;
  const answer = (await response.json().catch(() => undefined)) as { readonly error?: PageFault } | undefined;
  throw new FaultError(answer?.error ?? { code: "network", message: `status ${response.status}`, hint: null });
}
