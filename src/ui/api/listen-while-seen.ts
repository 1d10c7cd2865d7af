/** @file Streams of the server for pages that somebody looks at: a browser has six connections to a server, for all its pages together. */

/** The document, as far as it tells whether it is looked at. */
export type SeenPage = Pick<EventTarget, "addEventListener" | "removeEventListener"> & { readonly hidden: boolean };

/** How to listen. */
export interface ListenOptions {
  readonly page: SeenPage;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Between the end of a stream and the next, milliseconds. */
  readonly retryMs: number;
}

/** Listens again each time that `listen` ends; while the page is hidden its signal ends it, and it begins anew when the page is seen. */
export async function listenWhileSeen(
  listen: (signal: AbortSignal) => Promise<void>,
  { page, signal, retryMs }: ListenOptions,
): Promise<void> {
  while (!signal.aborted) {
    const away = new AbortController();
    const look = (): void => {
      if (page.hidden) away.abort();
    };
    page.addEventListener("visibilitychange", look);
    look();
    try {
      if (!away.signal.aborted) await listen(AbortSignal.any([signal, away.signal]));
    } finally {
      page.removeEventListener("visibilitychange", look);
    }
    await (page.hidden ? seen(page, signal) : pause(away.signal.aborted ? 0 : retryMs, signal));
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

async function seen(page: SeenPage, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      if (page.hidden && !signal.aborted) return;
      page.removeEventListener("visibilitychange", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    page.addEventListener("visibilitychange", done);
    signal.addEventListener("abort", done);
    done();
  });
}
