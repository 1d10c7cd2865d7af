import type { RunState } from "../../report/page/run-list.ts";
import type { StageRow } from "../../report/page/run-overview.ts";

const SIGNS: Readonly<Record<RunState | StageRow["status"], string>> = {
  running: "●",
  finished: "✓",
  done: "✓",
  stopped: "❚❚",
  failed: "✕",
  unreadable: "?",
  waiting: "○",
};

/** The state of a run or of a stage: a sign, a word and a colour. */
export function State({ state }: { readonly state: RunState | StageRow["status"] }) {
  return (
    <span class={`state ${state}`}>
      <span class="sign" aria-hidden="true">
        {SIGNS[state]}
      </span>{" "}
      {state}
    </span>
  );
}
