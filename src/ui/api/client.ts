/** @file The only file that talks: to the page's own server, with its token. */
import type { ChatEvents, ChatQuestion } from "../../report/page/chat-api.ts";
import {
  type PageApi,
  type PageFault,
  type PageQuery,
  pagePath,
  type PageStreams,
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
  for await (const { type, data } of eventsOf(await ask(pagePath(route, run), { signal }))) {
    if (type === "value") listener.onValue(JSON.parse(data) as PageStreams[Route]);
    if (type === "fault") listener.onFault(JSON.parse(data) as PageFault);
  }
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

async function ask(path: string, request: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
  const options = { ...request, headers: authorization(), cache: "no-store" } as const;
  const response = await fetch(`/api${path}`, options).catch((error) => {
    if (request.signal.aborted) throw error;
    throw new FaultError(SILENT);
  });
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as { readonly error?: PageFault } | undefined;
  throw new FaultError(body?.error ?? { code: "network", message: `status ${response.status}`, hint: null });
}
