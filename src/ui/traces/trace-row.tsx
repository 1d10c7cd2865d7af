import { useMemo } from "preact/hooks";
import { count } from "../../report/number-format.ts";
import type { TraceRow } from "../../report/page/trace-list.ts";
import { oneLine, visibleText } from "../../report/plain-text.ts";

/** What stands for a decision; words beside it say the same. */
export const DECISIONS = {
  keep: { sign: "✓", words: "kept by hand" },
  drop: { sign: "✕", words: "dropped by hand" },
  none: { sign: "", words: "" },
} as const;

const ROW_CHARACTERS = 120;

interface TraceLineProps {
  readonly row: TraceRow | undefined;
  readonly text?: string;
}

/** A line of the list: the question or what was found, and what became of the trace. */
export function TraceLine({ row, text }: TraceLineProps) {
  return useMemo(() => (row === undefined ? <span class="quiet">…</span> : lineOf(row, text)), [row, text]);
}

function lineOf(row: TraceRow, text: string | undefined) {
  const { decision, hasNote, state, reason, outcome, thinkingTokens, domain } = row;
  return (
    <>
      <span class="line">
        {decision !== "none" && <span class={`decision ${decision}`}>{DECISIONS[decision].sign}</span>}
        <bdi>{oneLine(text ?? row.question, ROW_CHARACTERS) || "(no text)"}</bdi>
      </span>
      <span class="line small quiet">
        <span class={`fate ${state}`}>{state === "waiting" ? "not selected yet" : state}</span>
        {[
          reason === null ? "" : visibleText(reason),
          outcome === null ? "" : outcome.replaceAll("_", " "),
          thinkingTokens === null ? "" : `${count(thinkingTokens)} tokens`,
          oneLine(domain, 40),
          DECISIONS[decision].words,
          hasNote ? "note" : "",
        ]
          .filter((fact) => fact !== "")
          .map((fact) => ` · ${fact}`)
          .join("")}
      </span>
    </>
  );
}
