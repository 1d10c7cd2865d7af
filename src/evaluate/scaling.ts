import { bootstrapInterval } from "../core/statistics/bootstrap.ts";
import type { Interval } from "../core/statistics/intervals.ts";
import { controlShare, scalingSlope } from "../core/statistics/test-time-scaling.ts";
import type { Completion } from "../schema/records.ts";
import { isCorrect } from "./score.ts";
import { isOfSweep, settingKey } from "./settings.ts";

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

/** Per question (row) and setting (column): thinking tokens and correctness of the first sample. */
interface Grid {
  readonly questions: number;
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
  const grid = toGrid(completions.filter(({ setting }) => setting.mode === "think" && isOfSweep(setting)));
  const everyQuestionOnce = new Uint32Array(grid.questions).fill(1);
  const points = pointsOf(grid, everyQuestionOnce);
  const slope = scalingSlope(points);
  if (slope === null) return null;
  const runs = points.map(({ thinkingTokens }, i) => ({
    thinkingTokens,
    capTokens: grid.columns[i]?.capTokens ?? 0,
  }));
  return {
    pointsPerDoubling: slope,
    interval: bootstrapInterval(grid.questions, (drawn) => scalingSlope(pointsOf(grid, drawn)), { key }),
    control: controlShare(runs) ?? 0,
    performance: Math.max(...points.map(({ accuracy }) => accuracy)),
  };
}

function toGrid(completions: readonly Completion[]): Grid {
  const settings = new Map<string, Map<string, Completion>>();
  for (const completion of completions) {
    const key = settingKey(completion.setting);
    const rows = settings.get(key) ?? new Map<string, Completion>();
    settings.set(key, rows.set(completion.questionId, completion));
  }
  const columns = [...settings.values()];
  const ids = [...(columns[0]?.keys() ?? [])].filter((id) => columns.every((rows) => rows.has(id))).sort();
  return {
    questions: ids.length,
    columns: columns.map((rows) => {
      const ordered = ids.map((id) => rows.get(id) as Completion);
      return {
        capTokens: ordered[0]?.setting.budgetTokens ?? 0,
        tokens: ordered.map((completion) => completion.thinkingTokens),
        right: ordered.map((completion) => (isCorrect(completion) ? 1 : 0)),
      };
    }),
  };
}

function pointsOf({ questions, columns }: Grid, drawn: Uint32Array) {
  return columns.map(({ tokens, right }) => {
    let thinkingTokens = 0;
    let accuracy = 0;
    let n = 0;
    for (let i = 0; i < questions; i++) {
      const times = drawn[i] as number;
      n += times;
      thinkingTokens += times * (tokens[i] as number);
      accuracy += times * (right[i] as number);
    }
    return { thinkingTokens: thinkingTokens / n, accuracy: accuracy / n };
  });
}
