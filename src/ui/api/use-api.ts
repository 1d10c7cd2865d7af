/** @file Hooks that bring what the server says into a view, and keep it fresh. */
import { useEffect, useState } from "preact/hooks";
import type { PageApi, PageFault, PageQuery, PageStreams } from "../../report/page/page-api.ts";
import { FaultError, getJson, openStream, SILENT } from "./client.ts";
import { listenWhileSeen } from "./listen-while-seen.ts";

/** What is known so far. A value stays while a newer one cannot be had; then both are set. */
export interface Asked<Value> {
  readonly value: Value | null;
  readonly fault: PageFault | null;
}

const NOTHING = { value: null, fault: null } as const;
const RETRY_MS = 3000;

/** How an address is asked. */
export interface Asking {
  readonly query?: PageQuery;
  /** How often, milliseconds; 0 for once. */
  readonly everyMs?: number;
  /** Whether the answer to the last query stands until the next one's is there, so that what was chosen in it keeps the focus. */
  readonly keepsLast?: boolean;
}

/** What an address answers; asked again every so often while the page is seen. */
export function useApi<Route extends keyof PageApi>(
  route: Route,
  run: string | null,
  { everyMs = 0, query = {}, keepsLast = false }: Asking = {},
): Asked<PageApi[Route]> {
  const wanted = JSON.stringify(query);
  const [asked, setAsked] = useState<Asked<PageApi[Route]>>(NOTHING);
  useEffect(() => {
    const ending = new AbortController();
    let isAnswered = false;
    setAsked(({ value }) => (keepsLast ? { value, fault: null } : NOTHING));
    const ask = async (): Promise<void> => {
      try {
        const value = await getJson(route, run, { query, signal: ending.signal });
        isAnswered = true;
        setAsked({ value, fault: null });
      } catch (error) {
        if (ending.signal.aborted) return;
        // Another query's answer does not stand beside this one's fault.
        setAsked(({ value }) => ({ value: isAnswered ? value : null, fault: faultOf(error) }));
      }
    };
    void ask();
    const timer = everyMs === 0 ? undefined : setInterval(() => document.hidden || void ask(), everyMs);
    return () => {
      ending.abort();
      clearInterval(timer);
    };
  }, [route, run, everyMs, wanted]);
  return asked;
}

/** What a stream says last; it is opened again when it breaks, and held only while the page is seen. */
export function useLive<Route extends keyof PageStreams>(route: Route, run: string): Asked<PageStreams[Route]> {
  const [asked, setAsked] = useState<Asked<PageStreams[Route]>>(NOTHING);
  useEffect(() => {
    const ending = new AbortController();
    setAsked(NOTHING);
    const onFault = (fault: PageFault): void => setAsked(({ value }) => ({ value, fault }));
    const listener = { onValue: (value: PageStreams[Route]) => setAsked({ value, fault: null }), onFault };
    const listen = async (signal: AbortSignal): Promise<void> => {
      try {
        await openStream(route, run, { listener, signal });
        if (!signal.aborted) onFault(SILENT);
      } catch (error) {
        if (!signal.aborted) onFault(faultOf(error));
      }
    };
    void listenWhileSeen(listen, { page: document, signal: ending.signal, retryMs: RETRY_MS });
    return () => ending.abort();
  }, [route, run]);
  return asked;
}

/** What went wrong, as a view says it. */
export function faultOf(error: unknown): PageFault {
  if (error instanceof FaultError) return error.fault;
  return { code: "bug", message: error instanceof Error ? error.message : String(error), hint: null };
}
