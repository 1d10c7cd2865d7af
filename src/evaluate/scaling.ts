import { bootstrapInterval } from "../core/statistics/bootstrap.ts";
import type { Interval } from "../core/statistics/intervals.ts";
import { controlShare, scalingSlope } from "../core/statistics/test-time-scaling.ts";
import type { SweepSummary } from "../schema/evaluation-summary.ts";
import type { Completion, ThinkingSetting } from "../schema/records.ts";
import { type EvaluationRow, rowOfCompletion } from "./evaluation-rows.ts";
import { byQuestion, bySetting, rightShare } from "./paired-questions.ts";
import { isOfSweep } from "./settings.ts";

/** s1's three numbers for one model's sweep (paper, 3.2). */
export interface SweepMetrics {
  /** Mean gain in percentage points per doubling of mean thinking tokens, over all pairs of thinking settings. */
  readonly pointsPerDoubling: number;
  /** 95 % bootstrap interval over questions; null when no resample has a slope or all have the same. */
  readonly interval: Interval | null;
  /** Share of thinking settings whose mean thinking tokens lie within their budget. */
  readonly control: number;
  /** Highest accuracy of a thinking setting, 0 to 1. */
  readonly performance: number;
}

/** Per question (row) and setting (column): mean thinking tokens and share of right samples. */
interface Grid {
  readonly questions: number;
  /** Rows of each cluster: what a bootstrap draws. */
  readonly clusters: readonly (readonly number[])[];
  readonly columns: readonly {
    readonly capTokens: number;
    readonly tokens: readonly number[];
    readonly right: readonly number[];
  }[];
}

/**
 * The metrics of one model's thinking settings, on the questions that every setting answered; null when fewer than two
 * settings differ in mean length.
 * @param key seeds the bootstrap, which draws questions with all their settings
 */
export function sweepMetrics(completions: readonly Completion[], key: string): SweepMetrics | null {
  const grid = toGrid(completions.filter(({ setting }) => isOfSweep(setting)).map(rowOfCompletion));
  const once = new Uint32Array(grid.clusters.length).fill(1);
  const points = pointsOf(grid, once);
  const slope = scalingSlope(points);
  if (slope === null) return null;
  return {
    pointsPerDoubling: slope,
    interval: bootstrapInterval(grid.clusters.length, (drawn) => scalingSlope(pointsOf(grid, drawn)), { key }),
    control: controlOf(grid, points),
    performance: performanceOf(points),
  };
}

/**
 * The same of an evaluation with any number of samples a question: a question counts by the mean of its samples, and the
 * bootstrap draws clusters with all their questions, samples and settings. Only settings sampled alike make a sweep; of several
 * temperatures the one with most settings is taken. Intervals are null where nothing varied.
 */
export function sweepSummary(rows: readonly EvaluationRow[], key: string): SweepSummary | null {
  return summariseGrid(toGrid(rowsOfOneTemperature(rows)), key);
}

/**
 * The same of rejection sampling: its caps make a sweep of their own, as in the paper's Table 3, over the questions for which every
 * cap kept a sample. What was given up has no length.
 */
export function rejectionSweep(rows: readonly EvaluationRow[], key: string): SweepSummary | null {
  return summariseGrid(toGrid(rows.filter(({ rejection }) => rejection?.isGivenUp === false)), key);
}

function summariseGrid(grid: Grid, key: string): SweepSummary | null {
  const n = grid.clusters.length;
  const points = pointsOf(grid, new Uint32Array(n).fill(1));
  const slope = scalingSlope(points);
  if (slope === null) return null;
  const interval = (statistic: (drawn: Uint32Array) => number | null) => bootstrapInterval(n, statistic, { key });
  return {
    settings: grid.columns.length,
    questions: grid.questions,
    control: controlOf(grid, points),
    controlInterval: interval((drawn) => controlOf(grid, pointsOf(grid, drawn))),
    pointsPerDoubling: slope,
    scalingInterval: interval((drawn) => scalingSlope(pointsOf(grid, drawn))),
    performance: performanceOf(points),
    performanceInterval: interval((drawn) => performanceOf(pointsOf(grid, drawn))),
  };
}

function rowsOfOneTemperature(rows: readonly EvaluationRow[]): EvaluationRow[] {
  const temperatures = new Map<ThinkingSetting["temperature"], EvaluationRow[]>();
  for (const row of rows) {
    if (row.setting.silent || row.setting.maxTries !== undefined) continue;
    const same = temperatures.get(row.setting.temperature);
    if (same === undefined) temperatures.set(row.setting.temperature, [row]);
    else same.push(row);
  }
  const size = (group: readonly EvaluationRow[]): number => bySetting(group).length;
  const order = [...temperatures].sort(([a, first], [b, second]) => size(second) - size(first) || (a ?? 0) - (b ?? 0));
  return order[0]?.[1] ?? [];
}

function toGrid(rows: readonly EvaluationRow[]): Grid {
  const columns = bySetting(rows.filter(({ setting }) => setting.mode === "think")).map(({ setting, rows: own }) => ({
    capTokens: setting.budgetTokens,
    questions: new Map(byQuestion(own).map((question) => [question.questionId, question])),
  }));
  const shared = [...(columns[0]?.questions.values() ?? [])].filter(({ questionId }) =>
    columns.every(({ questions }) => questions.has(questionId)),
  );
  const clusters = new Map<string, number[]>();
  shared.forEach(({ cluster }, row) => clusters.set(cluster, [...(clusters.get(cluster) ?? []), row]));
  return {
    questions: shared.length,
    clusters: [...clusters.values()],
    columns: columns.map(({ capTokens, questions }) => {
      const samples = shared.map(({ questionId }) => questions.get(questionId)?.rows ?? []);
      return { capTokens, tokens: samples.map(meanTokens), right: samples.map(rightShare) };
    }),
  };
}

function meanTokens(rows: readonly EvaluationRow[]): number {
  return rows.reduce((sum, { thinkingTokens }) => sum + thinkingTokens, 0) / rows.length;
}

/** Each setting's mean tokens and accuracy over a resample, given as how often each cluster was drawn. */
function pointsOf({ clusters, columns }: Grid, drawn: Uint32Array) {
  return columns.map(({ tokens, right }) => {
    let thinkingTokens = 0;
    let accuracy = 0;
    let n = 0;
    clusters.forEach((rows, cluster) => {
      const times = drawn[cluster] as number;
      if (times === 0) return;
      for (const row of rows) {
        n += times;
        thinkingTokens += times * (tokens[row] as number);
        accuracy += times * (right[row] as number);
      }
    });
    return { thinkingTokens: thinkingTokens / n, accuracy: accuracy / n };
  });
}

type Points = ReturnType<typeof pointsOf>;

function controlOf({ columns }: Grid, points: Points): number {
  const runs = points.map(({ thinkingTokens }, i) => ({ thinkingTokens, capTokens: columns[i]?.capTokens ?? 0 }));
  return controlShare(runs) ?? 0;
}

function performanceOf(points: Points): number {
  return Math.max(...points.map(({ accuracy }) => accuracy));
}
