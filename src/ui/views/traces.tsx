import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { count } from "../../report/number-format.ts";
import { MOST_HITS, TRACE_STATES, type TracePage, type TraceRow } from "../../report/page/trace-list.ts";
import { visibleText } from "../../report/plain-text.ts";
import { useKeys } from "../keys/use-keys.ts";
import { Fault } from "../parts/fault.tsx";
import { RunHeading } from "../parts/run-heading.tsx";
import { VirtualList } from "../parts/virtual-list.tsx";
import { hashOf, type Place } from "../route.ts";
import type { RunViewProps } from "../routes.ts";
import { TraceDetail } from "../traces/trace-detail.tsx";
import { TraceLine } from "../traces/trace-row.tsx";
import { type ThinkingSearch, useThinkingSearch } from "../traces/use-thinking-search.ts";
import { useTracePages } from "../traces/use-trace-pages.ts";
import { type Triage, useTriage } from "../traces/use-triage.ts";

/** As style/traces.css has it. */
const ROW_PIXELS = 56;
/** The trace is opened when so much time has passed on its row, milliseconds: whoever holds a key down opens one. */
const OPEN_AFTER_MS = 90;
const SEARCH_AFTER_MS = 180;

/** All traces of a run: found, read, kept and dropped. */
export function TracesPage({ run, place }: RunViewProps) {
  const { q = "", state = "all", reason = "" } = place.query;
  const isThinking = place.query["in"] === "thinking";
  const pages = useTracePages(run, isThinking ? {} : { q, state, reason });
  const search = useThinkingSearch(run, isThinking ? q : "");
  const triage = useTriage(run);
  const [chosen, setChosen] = useState(0);
  useEffect(() => setChosen(0), [q, state, reason, isThinking]);
  const length = isThinking ? search.hits.length : (pages.facts?.matched ?? 0);
  const rowAt = (at: number): TraceRow | undefined => (isThinking ? search.hits[at]?.row : pages.rowAt(at));
  const current = rowAt(chosen);
  const opened = useLate(current?.id, OPEN_AFTER_MS);
  const list = useRef<HTMLDivElement>(null);
  const focusList = (): void => list.current?.querySelector<HTMLElement>('[role="listbox"]')?.focus();
  useTraceKeys({
    current,
    triage,
    move: (by) => setChosen((at) => Math.max(0, Math.min(length - 1, at + by))),
    focusList,
  });
  const onSight = useCallback(
    (from: number, to: number) => isThinking || pages.want(from, to),
    [isThinking, pages.want],
  );
  return (
    <>
      <RunHeading run={run} title="Traces" />
      <SearchForm place={place} />
      <Fault fault={isThinking ? search.fault : pages.fault} />
      <p class="quiet small" role="status">
        {isThinking ? thinkingSentence(search, q) : pages.facts === null ? "reading …" : listSentence(pages.facts)}
      </p>
      <div class="traces">
        <div ref={list} class="trace-list">
          <VirtualList
            label="traces"
            count={length}
            rowHeight={ROW_PIXELS}
            chosen={length === 0 ? -1 : chosen}
            onChoose={setChosen}
            onSight={onSight}
            row={(at) => {
              const row = rowAt(at);
              const text = isThinking ? search.hits[at]?.around : undefined;
              return <TraceLine row={row && triage.withChange(row)} {...(text === undefined ? {} : { text })} />;
            }}
          />
        </div>
        <section class="trace" aria-label="the chosen trace">
          {opened !== undefined && length > 0 && (
            <TraceDetail key={opened} run={run} id={opened} triage={triage} onLeaveNote={focusList} />
          )}
        </section>
      </div>
    </>
  );
}

/** A value once it has stood for so long. */
function useLate<Value>(value: Value, afterMs: number): Value {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return late;
}

function useTraceKeys({
  current,
  triage: { change },
  move,
  focusList,
}: {
  readonly current: TraceRow | undefined;
  readonly triage: Triage;
  readonly move: (by: number) => void;
  readonly focusList: () => void;
}): void {
  const decide = (decision: "keep" | "drop" | "none") => () => {
    if (current !== undefined) void change({ traceId: current.id, decision });
  };
  const focus = (id: string) => () => document.getElementById(id)?.focus();
  useKeys("In this view", [
    { keys: "j", what: "next trace", run: () => move(1) },
    { keys: "k", what: "previous trace", run: () => move(-1) },
    { keys: "y", what: "keep: the next selection takes it if it can", run: decide("keep") },
    { keys: "x", what: "drop: the next selection leaves it out", run: decide("drop") },
    { keys: "u", what: "neither: as the recipe selects", run: decide("none") },
    { keys: "n", what: "write a note (Escape leaves it)", run: focus("trace-note") },
    {
      keys: "v",
      what: "x-ray: tokens and loss mask of a selected trace",
      run: () => document.getElementById("trace-xray")?.click(),
    },
    { keys: "/", what: "search", run: focus("trace-search") },
    { keys: "l", what: "to the list: arrows, Page, Home and End move in it", run: focusList },
  ]);
}

function SearchForm({ place }: { readonly place: Place }) {
  const { q = "", state = "all", reason = "" } = place.query;
  const where = place.query["in"] === "thinking" ? "thinking" : "";
  const [text, setText] = useState(q);
  const late = useLate(text, SEARCH_AFTER_MS);
  const go = (query: Record<string, string>): void =>
    location.replace(hashOf({ ...place, query: { q: text, in: where, state, reason, ...query } }));
  useEffect(() => {
    if (late !== q) go({ q: late });
  }, [late]);
  return (
    <form class="trace-search" role="search" onSubmit={(event) => event.preventDefault()}>
      <label>
        <span>search in</span>
        <select value={where} onChange={(event) => go({ in: event.currentTarget.value, reason: "" })}>
          <option value="">questions</option>
          <option value="thinking">thinking</option>
        </select>
      </label>
      <input
        id="trace-search"
        type="search"
        maxLength={200}
        aria-label="words that must all be there"
        placeholder="words, or an id"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {where === "" && (
        <label>
          <span>show</span>
          <select value={state} onChange={(event) => go({ state: event.currentTarget.value, reason: "" })}>
            {TRACE_STATES.map((each) => (
              <option key={each} value={each}>
                {each.replaceAll("-", " ")}
              </option>
            ))}
          </select>
        </label>
      )}
      {reason !== "" && (
        <button type="button" onClick={() => go({ reason: "" })} title="show every reason">
          {visibleText(reason)} ✕
        </button>
      )}
    </form>
  );
}

function listSentence({ index, matched, searchMs, kept, dropped }: TracePage): string {
  const found =
    matched === index.traces ? `${count(matched)} traces` : `${count(matched)} of ${count(index.traces)} traces`;
  const built = `${(index.textBytes / 1e6).toFixed(1)} MB of questions indexed in ${index.seconds.toFixed(1)} s, searched in ${Math.ceil(searchMs)} ms`;
  const decided = kept + dropped === 0 ? "" : `; by hand ${count(kept)} kept, ${count(dropped)} dropped`;
  return `${found}${decided} (${built})`;
}

function thinkingSentence({ scanned, total, matched, isOver }: ThinkingSearch, text: string): string {
  if (text.trim() === "") return "type what to search for";
  const past = matched > MOST_HITS ? `, the first ${count(MOST_HITS)} are listed` : "";
  const how = isOver ? "" : " so far …";
  return `${count(matched)} found in the thinking of ${count(scanned)} of ${count(total)} traces${past}${how}`;
}
