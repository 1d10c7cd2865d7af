import { z } from "zod";
import type { RunResults, StageCost } from "../report/run-results.ts";
import type { StageName } from "../schema/manifest.ts";
import { SCHEMA_VERSION } from "../schema/records.ts";

/** What a stage's work came to, without the time it took. */
export type StageTokens = Omit<StageCost, "seconds" | "stage"> & { readonly stage: StageName };

/**
 * All of a run's results that are the same in every equal run: the output of the report stage. Times, the machine and the
 * way of calling are added when the report is rendered.
 */
export type Findings = Pick<
  RunResults,
  | "student"
  | "naturalBudgetTokens"
  | "funnel"
  | "trainSteps"
  | "scores"
  | "intervalMethod"
  | "verdict"
  | "metrics"
  | "methods"
  | "examples"
  | "traces"
  | "judge"
  | "provenance"
  | "training"
> & { readonly schemaVersion: typeof SCHEMA_VERSION; readonly costs: readonly StageTokens[] };

/**
 * Reads findings back. Only the version is checked: the file is ours, and its hash stands in its stage's manifest.
 */
export const FindingsFile = z.custom<Findings>(
  (value) =>
    z.looseObject({ schemaVersion: z.literal(SCHEMA_VERSION), costs: z.array(z.unknown()) }).safeParse(value).success,
  "not the findings of a run",
);
