/** @file One run at a glance: its stages as they go, what is to come, and what came of it. */
import type { StageName } from "../../schema/manifest.ts";
import type { FunnelRow } from "../view/funnel.ts";
import type { Forecast } from "./forecast.ts";
import type { RunRow, StageProgressView } from "./run-list.ts";

/** One stage. */
export interface StageRow {
  readonly stage: StageName;
  readonly status: "done" | "running" | "stopped" | "failed" | "waiting";
  readonly seconds: number;
  /** What came out, how far it is, or what went wrong. */
  readonly note: string;
  /** Null unless it is under way, or stopped on the way. */
  readonly progress: StageProgressView | null;
}

/** Everything that the run's first view shows. */
export interface RunOverview extends RunRow {
  /** Where it lies. */
  readonly folder: string;
  /** Process that works on it now. */
  readonly pid: number | null;
  /** The command that makes or goes on with it. */
  readonly command: string | null;
  /** Version of the grappa that began it. */
  readonly createdBy: string | null;
  readonly stages: readonly StageRow[];
  /** Null where nothing is under way. */
  readonly forecast: Forecast | null;
  /** The newest last. */
  readonly warnings: readonly { readonly at: string; readonly text: string }[];
  readonly funnel: readonly FunnelRow[];
  /** The verdict's sentence; null before the report. */
  readonly verdict: string | null;
}
