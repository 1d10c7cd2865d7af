/** @file When a run will be done, as far as that can be told: its present stage by its pace, the rest by an earlier run. */
import type { StageName } from "../../schema/manifest.ts";
import { count, duration } from "../number-format.ts";

/** Progress of one try at a stage, first and last heard of. Times in milliseconds of one clock. */
export interface StagePace {
  readonly first: { readonly done: number; readonly atMs: number };
  readonly last: { readonly done: number; readonly atMs: number };
  readonly total: number;
}

/** A finished run of the same recipe: what its stages took. */
export interface EarlierRun {
  readonly name: string;
  readonly seconds: ReadonlyMap<StageName, number>;
}

/** What is to come. */
export interface Forecast {
  readonly stage: StageName;
  /** Of the present stage; null where its pace is not known yet. */
  readonly stageSeconds: number | null;
  /** Of the stages after it; null where no finished run of the same recipe tells. */
  readonly restSeconds: number | null;
  /** How it is known, in a sentence. */
  readonly sentence: string;
}

/** Seconds until a stage is done if it goes on at its pace; null where fewer than two points or no advance are known. */
export function secondsLeft({ first, last, total }: StagePace, nowMs: number): number | null {
  const seconds = (last.atMs - first.atMs) / 1000;
  const done = last.done - first.done;
  if (seconds <= 0 || done <= 0) return null;
  const sinceLast = Math.max(0, nowMs - last.atMs) / 1000;
  return Math.max(0, ((total - last.done) * seconds) / done - sinceLast);
}

/** What is to come of a run that is at `stage`; `later` are the stages after it. */
export function forecastOf({
  stage,
  pace,
  later,
  earlier,
  nowMs,
}: {
  readonly stage: StageName;
  readonly pace: StagePace | null;
  readonly later: readonly StageName[];
  readonly earlier: EarlierRun | null;
  readonly nowMs: number;
}): Forecast {
  const stageSeconds = pace === null ? null : secondsLeft(pace, nowMs);
  const restSeconds = earlier === null ? null : later.reduce((sum, each) => sum + (earlier.seconds.get(each) ?? 0), 0);
  return {
    stage,
    stageSeconds,
    restSeconds,
    sentence: sentenceOf({ stage, stageSeconds, restSeconds, later, earlier }),
  };
}

function sentenceOf({
  stage,
  stageSeconds,
  restSeconds,
  later,
  earlier,
}: Omit<Forecast, "sentence"> & { readonly later: readonly StageName[]; readonly earlier: EarlierRun | null }): string {
  const now = stageSeconds === null ? `${stage}: too early to tell` : `${stage}: about ${duration(stageSeconds)} left`;
  if (later.length === 0) return `${now}; it is the last stage.`;
  const rest = later.length === 1 ? "stage after it" : `${count(later.length)} stages after it`;
  if (restSeconds === null || earlier === null) return `${now}; no finished run of this recipe tells of the ${rest}.`;
  return `${now}; the ${rest} took ${duration(restSeconds)} in ${earlier.name}.`;
}
