import { count } from "../../report/number-format.ts";
import { type TraceDetail as Detail, TOKENS_COUNTED } from "../../report/page/trace-list.ts";
import { visibleText } from "../../report/plain-text.ts";
import { useState } from "preact/hooks";
import { useApi } from "../api/use-api.ts";
import { Fault, Waiting } from "../parts/fault.tsx";
import { unitUsd } from "../parts/money.tsx";
import { ModelText } from "../texts/model-text.tsx";
import { TraceXray } from "./trace-xray.tsx";
import { TraceNote } from "./trace-note.tsx";
import type { Triage } from "./use-triage.ts";

/** A trace, opened. */
export function TraceDetail({
  run,
  id,
  triage,
  onLeaveNote,
}: {
  readonly run: string;
  readonly id: string;
  readonly triage: Triage;
  readonly onLeaveNote: () => void;
}) {
  const { value, fault } = useApi("/runs/:run/trace", run, { query: { id } });
  if (value === null || value.row.id !== id) return fault === null ? <Waiting /> : <Fault fault={fault} />;
  return <Opened key={id} run={run} trace={value} triage={triage} onLeaveNote={onLeaveNote} />;
}

function Opened({
  run,
  trace,
  triage: { withChange, change, fault },
  onLeaveNote,
}: {
  readonly run: string;
  readonly trace: Detail;
  readonly triage: Triage;
  readonly onLeaveNote: () => void;
}) {
  const { decision } = withChange(trace.row);
  const traceId = trace.row.id;
  const choice = (wanted: "keep" | "drop", key: string) => (
    <button
      type="button"
      class={wanted}
      aria-pressed={decision === wanted}
      onClick={() => void change({ traceId, decision: decision === wanted ? "none" : wanted })}
    >
      {wanted} <kbd>{key}</kbd>
    </button>
  );
  return (
    <>
      <h2>
        Trace <code>{traceId}</code>
      </h2>
      <p class="choice">
        {choice("keep", "y")}
        {choice("drop", "x")}
        <span class="quiet small">{DECIDED[decision]}</span>
      </p>
      <Fault fault={fault} />
      <TraceNote note={trace.note} onSave={(note) => change({ traceId, note })} onLeave={onLeaveNote} />
      <Facts trace={trace} />
      {trace.selection !== null && <Xray run={run} id={traceId} />}
      <h3>Question</h3>
      <ModelText text={trace.question} />
      {trace.expected !== null && (
        <>
          <h3>Reference answer</h3>
          <ModelText text={trace.expected} />
        </>
      )}
      <h3>Thinking</h3>
      <ModelText text={trace.thinking} />
      <h3>Answer</h3>
      <ModelText text={trace.answer} />
    </>
  );
}

/** What is trained of the trace, on demand. */
function Xray({ run, id }: { readonly run: string; readonly id: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button id="trace-xray" type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        x-ray: tokens and loss mask <kbd>v</kbd>
      </button>
      {isOpen && <TraceXray run={run} id={id} />}
    </>
  );
}

const DECIDED = {
  keep: "the next `grappa curate` or `grappa run` selects it, unless no student can learn from it or its question was too easy; its fate then says so",
  drop: "the next `grappa curate` or `grappa run` leaves it out",
  none: "as the recipe selects",
} as const;

function Facts({ trace }: { readonly trace: Detail }) {
  const { thinkingTokens } = trace.row;
  const facts: readonly (readonly [string, string | null])[] = [
    ["fate", fateOf(trace)],
    ["grade", gradeOf(trace)],
    ["thinking", thinkingTokens === null ? null : `${count(thinkingTokens)} ${TOKENS_COUNTED[trace.countedBy]}`],
    ["domain", trace.row.domain],
    ["teacher", `${trace.model}, ${trace.provenance}, ended by ${trace.finishReason}`],
    ["cost", trace.costMicroUsd === 0 ? null : unitUsd(trace.costMicroUsd)],
    ["question", trace.questionId],
    ["other traces of it", trace.others.length === 0 ? null : trace.others.join(", ")],
  ];
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== null &&
          value !== "" && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{visibleText(value)}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

function fateOf({ selection, dropped }: Detail): string {
  if (selection !== null) return `selected by ${selection.reason}, rank ${count(selection.rank + 1)}`;
  if (dropped === null) return "nothing is selected yet";
  return `dropped at ${dropped.stage}: ${[dropped.reason, dropped.detail].filter((word) => word !== "").join(", ")}`;
}

function gradeOf({ grade }: Detail): string | null {
  if (grade === null) return null;
  const found = grade.extracted === null ? "no answer found" : `found “${grade.extracted.slice(0, 200)}”`;
  return `${grade.outcome.replaceAll("_", " ")}, ${found}, rule ${grade.rule}`;
}
