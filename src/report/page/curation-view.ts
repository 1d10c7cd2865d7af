/** @file What curation took and left: its stages with every reason, and what was selected beside what was dropped. */
import type { FunnelStage } from "../../schema/records.ts";
import type { PairedRow } from "../charts/paired-bars.ts";
import { oneLine } from "../plain-text.ts";
import { type FunnelRow, funnelOf } from "../view/funnel.ts";
import type { CountedBy } from "./trace-list.ts";

/** A stage of the funnel, with every reason as it is called in `dropped.jsonl`. */
export interface CurationStage {
  readonly row: FunnelRow;
  readonly stage: string;
  /** Most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

/** The traces that were selected against those that were dropped. */
export interface Sides {
  readonly selected: number;
  readonly dropped: number;
  readonly domains: readonly PairedRow[];
  readonly lengths: readonly PairedRow[];
  /** Median tokens of thinking; null where a side is empty. */
  readonly medians: { readonly selected: number | null; readonly dropped: number | null };
}

/** The view of a run's curation. */
export interface CurationView {
  readonly run: string;
  readonly stages: readonly CurationStage[];
  /** Null before the selection. */
  readonly sides: Sides | null;
  /** In whose tokens its lengths are. */
  readonly countedBy: CountedBy;
}

/** Something that was dropped. */
export interface DroppedExample {
  /** Of a question or a trace. */
  readonly id: string;
  /** The step that dropped it, of the stage. */
  readonly step: string;
  readonly detail: string;
  /** The beginning of its question; null where its text was not kept. */
  readonly question: string | null;
  /** Whether `id` is a trace's, which can be opened. */
  readonly isTrace: boolean;
}

/** Some of what a stage dropped for a reason, evenly from all of it. */
export interface DroppedExamples {
  readonly stage: string;
  readonly reason: string;
  readonly count: number;
  readonly examples: readonly DroppedExample[];
}

const MOST_REASONS = 60;

/** The stages as the page shows them. */
export function curationStages(stages: readonly FunnelStage[]): readonly CurationStage[] {
  const rows = funnelOf(stages);
  return stages.map(({ stage, reasons }, at) => ({
    row: rows[at] as FunnelRow,
    stage,
    reasons: Object.entries(reasons)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1))
      .slice(0, MOST_REASONS),
  }));
}

/** A trace as the comparison looks at it. */
export interface SidedTrace {
  readonly isSelected: boolean;
  readonly domain: string;
  readonly thinkingTokens: number | null;
}

const MOST_DOMAINS = 15;
const LENGTH_STEPS = 10;

/** Counts both sides. */
export function compareSides(traces: readonly SidedTrace[]): Sides {
  const lengthsOf = (isSelected: boolean) =>
    traces
      .flatMap((trace) =>
        trace.isSelected === isSelected && trace.thinkingTokens !== null ? [trace.thinkingTokens] : [],
      )
      .sort((a, b) => a - b);
  const selected = traces.filter(({ isSelected }) => isSelected).length;
  return {
    selected,
    dropped: traces.length - selected,
    domains: domainRows(traces),
    lengths: lengthRows(traces),
    medians: { selected: median(lengthsOf(true)), dropped: median(lengthsOf(false)) },
  };
}

function domainRows(traces: readonly SidedTrace[]): readonly PairedRow[] {
  const rows = countBy(traces, ({ domain }) => domain);
  const sorted = [...rows].sort(
    ([a, x], [b, y]) => y.selected - x.selected || y.dropped - x.dropped || (a < b ? -1 : 1),
  );
  const shown = sorted.length === MOST_DOMAINS + 1 ? sorted.length : MOST_DOMAINS;
  const rest = sorted.slice(shown);
  const first = sorted.slice(0, shown).map(([domain, row]) => ({ label: oneLine(domain, 34) || "none", ...row }));
  const sum = (side: "selected" | "dropped") => rest.reduce((total, [, row]) => total + row[side], 0);
  return rest.length === 0
    ? first
    : [...first, { label: `${rest.length} other domains`, selected: sum("selected"), dropped: sum("dropped") }];
}

/** Equal steps of a round width up to the longest. */
function lengthRows(traces: readonly SidedTrace[]): readonly PairedRow[] {
  const known = traces.filter(({ thinkingTokens }) => thinkingTokens !== null);
  const longest = known.reduce((most, { thinkingTokens }) => Math.max(most, thinkingTokens ?? 0), 0);
  if (longest === 0) return [];
  const width = roundUp(longest / LENGTH_STEPS);
  const rows = countBy(known, ({ thinkingTokens }) => String(Math.floor((thinkingTokens ?? 0) / width)));
  return Array.from({ length: Math.floor(longest / width) + 1 }, (_, step) => ({
    label: `${step * width}–${(step + 1) * width - 1}`,
    ...(rows.get(String(step)) ?? { selected: 0, dropped: 0 }),
  }));
}

function countBy(traces: readonly SidedTrace[], keyOf: (trace: SidedTrace) => string) {
  const rows = new Map<string, { selected: number; dropped: number }>();
  for (const trace of traces) {
    const key = keyOf(trace);
    let row = rows.get(key);
    if (row === undefined) rows.set(key, (row = { selected: 0, dropped: 0 }));
    row[trace.isSelected ? "selected" : "dropped"] += 1;
  }
  return rows;
}

/** The next of 1, 2, 5, 10, 20 … that is no less. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= value) ?? 10 * power;
}

function median(sorted: readonly number[]): number | null {
  return sorted.length === 0 ? null : (sorted[(sorted.length - 1) >> 1] ?? null);
}
