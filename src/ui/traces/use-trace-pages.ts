import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { PageFault, PageQuery } from "../../report/page/page-api.ts";
import type { TracePage, TraceRow } from "../../report/page/trace-list.ts";
import { getJson } from "../api/client.ts";
import { faultOf } from "../api/use-api.ts";

const PAGE_ROWS = 100;

/** The rows that were asked for so far. */
export interface TracePages {
  /** Facts of the newest answer; null before the first. */
  readonly facts: TracePage | null;
  readonly fault: PageFault | null;
  /** Undefined where it is not there yet. */
  readonly rowAt: (place: number) => TraceRow | undefined;
  /** Asks for rows that are not there; the last not included. */
  readonly want: (from: number, to: number) => void;
}

interface Found {
  readonly facts: TracePage | null;
  readonly fault: PageFault | null;
  readonly pages: ReadonlyMap<number, readonly TraceRow[]>;
}
const NOTHING: Found = { facts: null, fault: null, pages: new Map() };

/** The traces that match, in pages as they come into sight. */
export function useTracePages(run: string, query: PageQuery): TracePages {
  const [found, setFound] = useState(NOTHING);
  const wanted = JSON.stringify(query);
  const asking = useRef({ ending: new AbortController(), pages: new Set<number>() });
  const want = useCallback(
    (from: number, to: number) => {
      const { ending, pages } = asking.current;
      const ask = async (page: number): Promise<void> => {
        pages.add(page);
        const place = { from: String(page * PAGE_ROWS), count: String(PAGE_ROWS) };
        try {
          const facts = await getJson("/runs/:run/traces", run, {
            query: { ...query, ...place },
            signal: ending.signal,
          });
          setFound((before) => ({ facts, fault: null, pages: new Map(before.pages).set(page, facts.rows) }));
        } catch (error) {
          if (ending.signal.aborted) return;
          pages.delete(page);
          setFound((before) => ({ ...before, fault: faultOf(error) }));
        }
      };
      for (let page = Math.floor(from / PAGE_ROWS); page * PAGE_ROWS < Math.max(to, 1); page++)
        if (!pages.has(page)) void ask(page);
    },
    [run, wanted],
  );
  useEffect(() => {
    asking.current = { ending: new AbortController(), pages: new Set() };
    const { ending } = asking.current;
    setFound(NOTHING);
    want(0, 1);
    return () => ending.abort();
  }, [want]);
  const rowAt = (place: number) => found.pages.get(Math.floor(place / PAGE_ROWS))?.[place % PAGE_ROWS];
  return { facts: found.facts, fault: found.fault, rowAt, want };
}
