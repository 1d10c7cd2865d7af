/** @file The list of traces, one of them, and the search in what they thought. */
import { z } from "zod";
import { readLines } from "../../adapters/store/read-lines.ts";
import { AppError } from "../../core/errors.ts";
import type { PageQuery } from "../../report/page/page-api.ts";
import {
  MOST_HITS,
  MOST_NEEDLE_CHARACTERS,
  needlesOf,
  type ShownText,
  type ThinkingFound,
  TRACE_STATES,
  type TraceDetail,
  type TracePage,
  type TraceRow,
} from "../../report/page/trace-list.ts";
import { parseRecord } from "../parse-record.ts";
import type { TraceTriage } from "../triage-file.ts";
import type { PageReader } from "./page-reader.ts";
import type { RunFacts } from "./run-facts.ts";
import { countedBy, type IndexedTrace, readTrace, traceIndex } from "./trace-index.ts";

const MOST_ROWS = 200;
/** Of one text, the page shows so many characters: beyond, a browser is slow, and nobody reads. */
const MOST_SHOWN_CHARACTERS = 200_000;
const ROW_CHARACTERS = 160;
const MOST_OTHERS = 50;

const TraceQuery = z.object({
  q: z.string().max(MOST_NEEDLE_CHARACTERS).default(""),
  state: z.enum(TRACE_STATES).default("all"),
  reason: z.string().max(100).default(""),
  from: z.coerce.number().int().min(0).default(0),
  count: z.coerce.number().int().min(0).max(MOST_ROWS).default(100),
});
type TraceQuery = z.infer<typeof TraceQuery>;

type Triage = ReadonlyMap<string, TraceTriage>;
const UNTOUCHED: TraceTriage = { decision: "none", note: "" };

/** A part of the list. Throws "usage" for a query that is none; as `traceIndex`. */
export async function readTraces(facts: RunFacts, reader: PageReader, query: PageQuery): Promise<TracePage> {
  const wanted = queryOf(query);
  const index = await traceIndex(facts, reader);
  const triage = await reader.triage(facts).read();
  const began = reader.ports.clock.now();
  const matches = index.traces.filter(matcher(wanted, triage));
  const searchMs = reader.ports.clock.now() - began;
  // Of a trace that is gone, what was decided still stands in the file.
  const decisions = [...triage].flatMap(([id, { decision }]) => (index.byId.has(id) ? [decision] : []));
  return {
    run: facts.name,
    index: index.facts,
    matched: matches.length,
    from: wanted.from,
    rows: matches.slice(wanted.from, wanted.from + wanted.count).map((trace) => rowOf(trace, triage)),
    searchMs,
    kept: decisions.filter((decision) => decision === "keep").length,
    dropped: decisions.filter((decision) => decision === "drop").length,
  };
}

function queryOf(query: PageQuery): TraceQuery {
  const { success, data, error } = TraceQuery.safeParse(query);
  if (success) return data;
  const [issue] = error.issues;
  throw new AppError("usage", `${issue?.path.join(".") ?? "query"}: ${issue?.message ?? "not understood"}`);
}

function matcher({ q, state, reason }: TraceQuery, triage: Triage): (trace: IndexedTrace) => boolean {
  const needles = needlesOf(q);
  return (trace) =>
    needles.every(
      (needle) => trace.question.lower.includes(needle) || trace.id === needle || trace.questionId === needle,
    ) &&
    (reason === "" || reasonOf(trace) === reason) &&
    isInState(trace, state, triage);
}

function isInState(trace: IndexedTrace, state: TraceQuery["state"], triage: Triage): boolean {
  if (state === "all") return true;
  if (state === "selected" || state === "dropped" || state === "waiting") return stateOf(trace) === state;
  const { decision, note } = triage.get(trace.id) ?? UNTOUCHED;
  if (state === "noted") return note !== "";
  return decision === (state === "kept-by-hand" ? "keep" : "drop");
}

function stateOf({ selection, dropped }: IndexedTrace): TraceRow["state"] {
  return selection !== null ? "selected" : dropped !== null ? "dropped" : "waiting";
}

const reasonOf = ({ selection, dropped }: IndexedTrace): string | null => selection?.reason ?? dropped?.reason ?? null;

function rowOf(trace: IndexedTrace, triage: Triage): TraceRow {
  const { decision, note } = triage.get(trace.id) ?? UNTOUCHED;
  return {
    place: trace.place,
    id: trace.id,
    question: trace.question.text.slice(0, ROW_CHARACTERS),
    domain: trace.question.domain,
    outcome: trace.grade?.outcome ?? null,
    thinkingTokens: trace.thinkingTokens,
    state: stateOf(trace),
    reason: reasonOf(trace),
    decision,
    hasNote: note !== "",
  };
}

/** The trace that `id` of the query names. Throws "file-missing" where there is none; as `traceIndex` and `readTrace`. */
export async function readTraceDetail(facts: RunFacts, reader: PageReader, query: PageQuery): Promise<TraceDetail> {
  const index = await traceIndex(facts, reader);
  const found = index.byId.get(query["id"] ?? "");
  if (found === undefined) throw new AppError("file-missing", "this run has no such trace");
  const triage = await reader.triage(facts).read();
  const { thinking, answer, model, provenance, finishReason, costMicroUsd } = await readTrace(index, found);
  const { question, questionId, grade, dropped, selection } = found;
  return {
    row: rowOf(found, triage),
    questionId,
    question: shown(question.text),
    expected: question.answer === null ? null : shown(question.answer),
    thinking: shown(thinking),
    countedBy: countedBy(facts),
    answer: shown(answer),
    model,
    provenance,
    finishReason,
    costMicroUsd,
    grade,
    dropped,
    selection,
    note: triage.get(found.id)?.note ?? "",
    others: question.traces.filter((id) => id !== found.id).slice(0, MOST_OTHERS),
  };
}

function shown(text: string): ShownText {
  const kept = text.slice(0, MOST_SHOWN_CHARACTERS);
  return { text: kept, left: text.length - kept.length };
}

/** What of a trace's line is searched; a line that is a trace has more. */
const Thought = z.object({ schemaVersion: z.literal(1), id: z.string(), thinking: z.string() });
const AROUND_CHARACTERS = 70;
/** An event is sent when so much time has passed, milliseconds, or so many hits are there. */
const SEND_EVERY_MS = 150;
const SEND_EVERY_HITS = 100;

/** Searches in the thinking of all traces, in their order. Throws "usage"; as `traceIndex`. */
export async function searchThinking(
  facts: RunFacts,
  reader: PageReader,
  query: PageQuery,
): Promise<AsyncGenerator<ThinkingFound>> {
  const needles = needlesOf(queryOf(query).q);
  if (needles.length === 0) throw new AppError("usage", "there is nothing to search for");
  const index = await traceIndex(facts, reader);
  const triage = await reader.triage(facts).read();
  const { clock } = reader.ports;
  return (async function* (): AsyncGenerator<ThinkingFound> {
    const total = index.traces.length;
    let [scanned, matched, sentAt] = [0, 0, clock.now()];
    let hits: ThinkingFound["hits"][number][] = [];
    for await (const { bytes, number } of readLines(index.path)) {
      const trace = index.traces[scanned];
      if (trace === undefined) break;
      scanned += 1;
      const { thinking } = parseRecord(bytes.toString("utf8"), Thought, `${index.path}:${number}`);
      const lower = thinking.toLowerCase();
      if (needles.every((needle) => lower.includes(needle))) {
        matched += 1;
        if (matched <= MOST_HITS) hits.push({ row: rowOf(trace, triage), around: aroundOf(thinking, lower, needles) });
      }
      if (hits.length < SEND_EVERY_HITS && clock.now() - sentAt < SEND_EVERY_MS) continue;
      yield { scanned, total, matched, hits };
      [hits, sentAt] = [[], clock.now()];
    }
    yield { scanned: total, total, matched, hits };
  })();
}

/** The text around the first needle. */
function aroundOf(thinking: string, lower: string, needles: readonly string[]): string {
  // Lower case may be longer than the text; then the place is a little off, and only what is shown around it.
  const at = lower.indexOf(needles[0] ?? "");
  return thinking.slice(Math.max(0, at - AROUND_CHARACTERS), at + AROUND_CHARACTERS);
}
