import { useEffect, useState } from "preact/hooks";
import type { PageFault } from "../../report/page/page-api.ts";
import type { ThinkingHit } from "../../report/page/trace-list.ts";
import { openParts } from "../api/client.ts";
import { faultOf } from "../api/use-api.ts";

/** What was found so far. */
export interface ThinkingSearch {
  readonly hits: readonly ThinkingHit[];
  readonly scanned: number;
  readonly total: number;
  readonly matched: number;
  readonly isOver: boolean;
  readonly fault: PageFault | null;
}

const NOTHING: ThinkingSearch = { hits: [], scanned: 0, total: 0, matched: 0, isOver: false, fault: null };

/** Searches in thinking as long as there is something to search for; a new search ends the one before. */
export function useThinkingSearch(run: string, text: string): ThinkingSearch {
  const [found, setFound] = useState(NOTHING);
  useEffect(() => {
    setFound(NOTHING);
    if (text.trim() === "") return undefined;
    const ending = new AbortController();
    const onFault = (fault: PageFault): void => {
      if (!ending.signal.aborted) setFound((before) => ({ ...before, fault }));
    };
    const listener = {
      onFault,
      onValue: ({ scanned, total, matched, hits }: Omit<ThinkingSearch, "isOver" | "fault">) => {
        if (ending.signal.aborted) return;
        setFound((before) => ({ ...before, scanned, total, matched, hits: [...before.hits, ...hits] }));
      },
    };
    openParts("/runs/:run/thinking-search", run, { query: { q: text }, listener, signal: ending.signal })
      .catch((error: unknown) => onFault(faultOf(error)))
      .finally(() => ending.signal.aborted || setFound((before) => ({ ...before, isOver: true })));
    return () => ending.abort();
  }, [run, text]);
  return found;
}
