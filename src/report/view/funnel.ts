/** @file From candidates to training examples: what each stage kept, what it dropped, and why. */
import type { FunnelStage } from "../../schema/records.ts";
import { oneLine } from "../plain-text.ts";

/** One stage of the funnel; shares are of the widest point. */
export interface FunnelRow {
  readonly stage: string;
  /** What the stage does, for a reader who does not know it; empty for a stage we have no words for. */
  readonly words: string;
  /** What it could not do; empty where nothing is. */
  readonly note: string;
  readonly kept: number;
  readonly dropped: number;
  readonly keptShare: number;
  readonly droppedShare: number;
  /** Largest first; what is past the sixth is summed as "other reasons". */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

const STAGE_WORDS: Readonly<Record<string, string>> = {
  collect: "questions gathered, duplicates out",
  decontaminate: "what overlaps with a benchmark or an earlier source goes",
  duplicates: "one question of each text",
  quality: "questions that are fit to be asked",
  "near-duplicates": "one of those that say nearly the same",
  attempt: "the base tries each; what it solves is too easy",
  trace: "the teacher reasons about the rest",
  grade: "answers checked by rule",
  select: "quality, difficulty and spread over domains",
  tokenize: "made into training examples; none may be cut",
};

const MOST_REASONS = 6;

function reasonsOf(reasons: FunnelStage["reasons"]): FunnelRow["reasons"] {
  const sorted = Object.entries(reasons)
    .filter(([, rows]) => rows > 0)
    .sort(([a, rowsA], [b, rowsB]) => rowsB - rowsA || (a < b ? -1 : 1));
  const rest = sorted.slice(MOST_REASONS).reduce((sum, [, rows]) => sum + rows, 0);
  const first = sorted
    .slice(0, MOST_REASONS)
    .map(([reason, rows]) => ({ reason: oneLine(reason, 48).replaceAll("_", " "), count: rows }));
  return rest === 0 ? first : [...first, { reason: "other reasons", count: rest }];
}

/** The funnel, stage by stage, in the order given. */
export function funnelOf(stages: readonly FunnelStage[]): readonly FunnelRow[] {
  const widest = Math.max(1, ...stages.map((stage) => stage.in));
  return stages.map((stage) => ({
    stage: oneLine(stage.stage, 24),
    words: Object.hasOwn(STAGE_WORDS, stage.stage) ? (STAGE_WORDS[stage.stage] ?? "") : "",
    note: oneLine(stage.note ?? "", 200),
    kept: stage.kept,
    dropped: stage.dropped,
    keptShare: stage.kept / widest,
    droppedShare: stage.dropped / widest,
    reasons: reasonsOf(stage.reasons),
  }));
}
