/**
 * @file What a run will cost: a thousand possible worlds are drawn from what is known, the run is counted through in each,
 * and the quantiles over the worlds are told. Equal facts give an equal forecast. Pure.
 */
import { quantile } from "../core/statistics/bootstrap.ts";
import { type CountedRow, countRun, type ForecastStage } from "./forecast-count.ts";
import type { Bought, ForecastFacts } from "./forecast-facts.ts";
import { drawWorlds, type World } from "./forecast-world.ts";

/** A number that is not known yet: its middle, and what it stays below in nine worlds of ten. */
export interface Spread {
  readonly p50: number;
  readonly p90: number;
}

/** One line of the forecast: one model in one role. What was bought before is part of its numbers. */
export interface ForecastRow {
  readonly stage: ForecastStage;
  readonly name: string;
  /** Calls; trained examples times epochs for a fine-tune. */
  readonly calls: Spread;
  readonly promptTokens: Spread;
  /** Thinking included; trained tokens for a fine-tune. */
  readonly completionTokens: Spread;
  readonly microUsd: Spread & { readonly mean: number };
  /** Null where it is not forecast: work on this machine, and fine-tunes of others. */
  readonly seconds: Spread | null;
  readonly bought: Bought;
}

/** The whole forecast. Quantiles of a sum are not sums of quantiles; means are. */
export interface Forecast {
  readonly rows: readonly ForecastRow[];
  readonly microUsd: Spread & { readonly mean: number };
  /** Of the rows that have one. */
  readonly seconds: Spread;
  /** Questions with a right trace. */
  readonly verified: Spread;
  /** What is left of `microUsd` when the bought part is taken away. */
  readonly remainingMicroUsd: Spread;
}

/** The forecast of a run. */
export function forecastRun(facts: ForecastFacts, worlds: readonly World[] = drawWorlds(facts)): Forecast {
  const runs = worlds.map((world) => countRun(facts, world, facts.questions));
  const rows = (runs[0]?.rows ?? []).map(({ stage, name, bought }, k): ForecastRow => {
    const of = (pick: (row: CountedRow) => number): number[] => runs.map((run) => pick(run.rows[k] as CountedRow));
    const isTimed = runs.every((run) => run.rows[k]?.seconds !== null);
    return {
      stage,
      name,
      bought,
      calls: spreadOf(of(({ calls }) => calls)),
      promptTokens: spreadOf(of(({ promptTokens }) => promptTokens)),
      completionTokens: spreadOf(of(({ completionTokens }) => completionTokens)),
      microUsd: withMean(of(({ microUsd }) => microUsd)),
      seconds: isTimed ? spreadOf(of(({ seconds }) => seconds ?? 0)) : null,
    };
  });
  const bought = rows.reduce((sum, row) => sum + row.bought.microUsd, 0);
  return {
    rows,
    microUsd: withMean(runs.map(({ microUsd }) => microUsd)),
    seconds: spreadOf(runs.map((run) => run.rows.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0))),
    verified: spreadOf(runs.map(({ verified }) => verified)),
    remainingMicroUsd: spreadOf(runs.map(({ microUsd }) => microUsd - bought)),
  };
}

/** Quantiles, rounded up to whole numbers. */
function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0
    ? { p50: 0, p90: 0 }
    : { p50: Math.ceil(quantile(sorted, 0.5)), p90: Math.ceil(quantile(sorted, 0.9)) };
}

function withMean(values: readonly number[]): Spread & { readonly mean: number } {
  return { ...spreadOf(values), mean: values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length) };
}

/**
 * How many questions fit under a cap in nine worlds of ten, and how many right traces they give; all of them where all
 * fit. More is never dearer to forecast: it is the same worlds at each step.
 */
export function questionsWithin(
  facts: ForecastFacts,
  capMicroUsd: number,
  worlds: readonly World[] = drawWorlds(facts),
): { readonly questions: number; readonly verified: Spread } {
  const p90 = (questions: number): number =>
    spreadOf(worlds.map((world) => countRun(facts, world, questions).microUsd)).p90;
  const fits = (questions: number): boolean => p90(questions) <= capMicroUsd;
  let [low, high] = fits(facts.questions) ? [facts.questions, facts.questions] : [0, facts.questions];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return { questions: low, verified: spreadOf(worlds.map((world) => countRun(facts, world, low).verified)) };
}
