/** @file The list of runs: where each stands, what it has spent, and what its student scores. */
import type { StageName } from "../../schema/manifest.ts";
import type { Interval } from "../../schema/records.ts";

/** Where a run stands. `unreadable`: a file of it is broken, or another grappa wrote it. */
export type RunState = "running" | "finished" | "stopped" | "failed" | "unreadable";

/** A share of right answers, never without its n and interval. */
export interface ShareOfRight {
  /** 0 to 1; null when n is 0. */
  readonly accuracy: number | null;
  readonly n: number;
  readonly interval: Interval | null;
}

/** What the page may do with a run. */
export interface RunControl {
  /** Null: nothing. */
  readonly can: "pause" | "resume" | null;
  /** Why nothing, or what is under way; null where there is nothing to say. */
  readonly note: string | null;
  /** What to type in a terminal instead; null where there is nothing to type. */
  readonly command: string | null;
}

/** There is nothing to pause or to resume. */
export const NO_CONTROL: RunControl = { can: null, note: null, command: null };

/** How far the present stage is. */
export interface StageProgressView {
  readonly done: number;
  readonly total: number;
  readonly unit: string;
}

/** One run of the list. */
export interface RunRow {
  /** Name of its folder: what its addresses are made of. */
  readonly name: string;
  readonly state: RunState;
  /** Why it is unreadable or failed; null where nothing is wrong. */
  readonly problem: string | null;
  /** Name of its recipe. */
  readonly recipe: string | null;
  /** What is trained: the base's name. */
  readonly student: string | null;
  readonly doneStages: number;
  /** The stage that is under way, or at which it stopped; null when all are done or none was begun. */
  readonly stage: StageName | null;
  readonly progress: StageProgressView | null;
  /** Possibly paid amounts included, as the cap counts them. */
  readonly spentMicroUsd: number | null;
  readonly capMicroUsd: number | null;
  /** The base at its best, on the same questions; null before the report. */
  readonly base: ShareOfRight | null;
  /** The student, thinking to its natural end; null before the report. */
  readonly score: ShareOfRight | null;
  /** Seconds of all stages together. */
  readonly seconds: number | null;
  /** When it began, and when something last happened: ISO 8601. */
  readonly startedAt: string | null;
  readonly lastAt: string | null;
  readonly control: RunControl;
}

/** The runs of a folder, those in which something happened last first. */
export interface RunList {
  /** Where they lie. */
  readonly folder: string;
  readonly runs: readonly RunRow[];
  /** Runs that are not listed, because there are too many. */
  readonly left: number;
}

/** A run of which nothing can be said but why. */
export function unreadableRow(name: string, problem: string): RunRow {
  return {
    name,
    state: "unreadable",
    problem,
    recipe: null,
    student: null,
    doneStages: 0,
    stage: null,
    progress: null,
    spentMicroUsd: null,
    capMicroUsd: null,
    base: null,
    score: null,
    seconds: null,
    startedAt: null,
    lastAt: null,
    control: NO_CONTROL,
  };
}
