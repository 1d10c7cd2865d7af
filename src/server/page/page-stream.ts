/** @file Server-sent events: a value again and again, each time that it has changed. */
import { setTimeout as wait } from "node:timers/promises";

/** What {@link streamValues} does. */
export interface StreamOptions {
  /** The value now; what it throws is sent as a fault, and the stream goes on. */
  readonly read: () => Promise<unknown>;
  /** Makes of an error what is sent. */
  readonly faultOf: (error: unknown) => unknown;
  /** Between two looks, milliseconds. */
  readonly everyMs: number;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Called once when it has ended, however. */
  readonly onEnd: () => void;
}

/** A line that says nothing keeps the connection open, and tells a reader that went away from one that waits. */
export const KEEP_ALIVE = ":\n\n";
/** After so much silence it is sent; far below what ends an idle connection. */
export const KEEP_ALIVE_MS = 15_000;

/** The body; its first event comes at once. */
export function streamValues(options: StreamOptions): ReadableStream<Uint8Array> {
  const stopped = new AbortController();
  const signal = AbortSignal.any([options.signal, stopped.signal]);
  return new ReadableStream<Uint8Array>({
    start: (controller) => void send(controller, { ...options, signal }),
    cancel: () => stopped.abort(),
  });
}

async function send(
  controller: ReadableStreamDefaultController<Uint8Array>,
  { read, faultOf, everyMs, signal, onEnd }: StreamOptions,
): Promise<void> {
  const encoder = new TextEncoder();
  let last = "";
  let sentAt = 0;
  const write = (text: string): void => {
    controller.enqueue(encoder.encode(text));
    sentAt = performance.now();
  };
  try {
    while (!signal.aborted) {
      const event = await eventOf(read, faultOf);
      if (signal.aborted) break;
      // A reader that does not keep up gets the newest later, and not all of them.
      if (event !== last && (controller.desiredSize ?? 0) > 0) write((last = event));
      else if (performance.now() - sentAt > KEEP_ALIVE_MS) write(KEEP_ALIVE);
      await wait(everyMs, undefined, { signal }).catch(() => undefined); // given up: the loop ends
    }
    controller.close();
  } catch {
    // The reader is gone: there is nobody left to tell.
  } finally {
    onEnd();
  }
}

async function eventOf(read: StreamOptions["read"], faultOf: StreamOptions["faultOf"]): Promise<string> {
  try {
    return `event: value\ndata: ${JSON.stringify(await read())}\n\n`;
  } catch (error) {
    return `event: fault\ndata: ${JSON.stringify(faultOf(error))}\n\n`;
  }
}
