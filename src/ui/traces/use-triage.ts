import { useCallback, useState } from "preact/hooks";
import type { PageFault } from "../../report/page/page-api.ts";
import type { TraceRow } from "../../report/page/trace-list.ts";
import type { TriageChange } from "../../schema/triage.ts";
import { postJson } from "../api/client.ts";
import { faultOf } from "../api/use-api.ts";

/** What was decided here, and how to decide. */
export interface Triage {
  /** The row as it is since. */
  readonly withChange: (row: TraceRow) => TraceRow;
  /** Writes; true when it is on the disk. What went wrong is in `fault`. */
  readonly change: (change: TriageChange) => Promise<boolean>;
  readonly fault: PageFault | null;
}

/** Decisions and notes of one run. */
export function useTriage(run: string): Triage {
  const [changed, setChanged] = useState<ReadonlyMap<string, Pick<TraceRow, "decision" | "hasNote">>>(new Map());
  const [fault, setFault] = useState<PageFault | null>(null);
  const change = useCallback(
    async (wanted: TriageChange) => {
      try {
        const { id, ...holds } = await postJson("/runs/:run/triage", run, wanted);
        setChanged((before) => new Map(before).set(id, holds));
        setFault(null);
        return true;
      } catch (error) {
        setFault(faultOf(error));
        return false;
      }
    },
    [run],
  );
  // What did not change stays the same object, so that its line is not drawn again.
  const withChange = (row: TraceRow): TraceRow => {
    const holds = changed.get(row.id);
    return holds === undefined ? row : { ...row, ...holds };
  };
  return { withChange, change, fault };
}
