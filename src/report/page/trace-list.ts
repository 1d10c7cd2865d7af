/** @file The traces of a run as the page lists them, opens one, and searches in what they say. Texts are raw. */
import type { Grade, GradeOutcome } from "../../schema/records.ts";
import type { TriageDecision } from "../../schema/triage.ts";

/** Which traces are listed. */
export const TRACE_STATES = [
  "all",
  "selected",
  "dropped",
  "waiting",
  "kept-by-hand",
  "dropped-by-hand",
  "noted",
] as const;
export type TraceFilter = (typeof TRACE_STATES)[number];

/** In whose tokens lengths of thinking are: the student's, or as the teacher counted where the student is somewhere else. */
export type CountedBy = "student" | "teacher";

/** What such lengths are called. */
export const TOKENS_COUNTED: Readonly<Record<CountedBy, string>> = {
  student: "tokens of the student",
  teacher: "tokens, as the teacher counted",
};

/** A line of the list. */
export interface TraceRow {
  /** Of all traces of the run, from 0: as they stand in `traces.jsonl`. */
  readonly place: number;
  readonly id: string;
  /** The beginning of the question. */
  readonly question: string;
  readonly domain: string;
  /** Null while it is not graded. */
  readonly outcome: GradeOutcome | null;
  /** See {@link CountedBy}; null while nobody has counted. */
  readonly thinkingTokens: number | null;
  /** `waiting`: the selection is not done. */
  readonly state: "selected" | "dropped" | "waiting";
  /** Why it was selected or dropped; null while it waits. */
  readonly reason: string | null;
  readonly decision: TriageDecision;
  readonly hasNote: boolean;
}

/** What the index of a run's traces is and took. */
export interface IndexFacts {
  readonly traces: number;
  /** Bytes of the questions' texts in it. */
  readonly textBytes: number;
  readonly seconds: number;
}

/** A part of the list. */
export interface TracePage {
  readonly run: string;
  readonly index: IndexFacts;
  /** Traces that match. */
  readonly matched: number;
  /** Place of the first row among those that match. */
  readonly from: number;
  readonly rows: readonly TraceRow[];
  /** What finding them took, milliseconds. */
  readonly searchMs: number;
  /** Decisions that hold, of all traces. */
  readonly kept: number;
  readonly dropped: number;
}

/** A text as far as it is shown. */
export interface ShownText {
  readonly text: string;
  /** Characters that are left out at its end. */
  readonly left: number;
}

/** One trace, opened. */
export interface TraceDetail {
  readonly row: TraceRow;
  readonly questionId: string;
  readonly question: ShownText;
  /** The reference answer; null where only a verifier can tell. */
  readonly expected: ShownText | null;
  readonly thinking: ShownText;
  readonly countedBy: CountedBy;
  readonly answer: ShownText;
  readonly model: string;
  /** Such as `raw` or `summary`. */
  readonly provenance: string;
  readonly finishReason: string;
  readonly costMicroUsd: number;
  readonly grade: Grade | null;
  /** The step that dropped it, with what it said; null where none did. */
  readonly dropped: { readonly stage: string; readonly reason: string; readonly detail: string } | null;
  /** By which rule it was selected, and its rank; null where it was not. */
  readonly selection: { readonly reason: string; readonly rank: number } | null;
  readonly note: string;
  /** Other traces of the same question. */
  readonly others: readonly string[];
}

/** A trace whose thinking holds what is searched. */
export interface ThinkingHit {
  readonly row: TraceRow;
  /** The text around it. */
  readonly around: string;
}

/** An event of the search in thinking: what was found since the last one. */
export interface ThinkingFound {
  readonly scanned: number;
  readonly total: number;
  /** All hits so far; of those past {@link MOST_HITS} only the number is told. */
  readonly matched: number;
  readonly hits: readonly ThinkingHit[];
}

/** Hits that the search in thinking lists. */
export const MOST_HITS = 2000;

/** Longest text that is searched for, characters. */
export const MOST_NEEDLE_CHARACTERS = 200;

/** The words that must all be there, in lower case. */
export function needlesOf(text: string): readonly string[] {
  const words = text.toLowerCase().split(/\s+/);
  return words.filter((word) => word !== "").slice(0, 8);
}
