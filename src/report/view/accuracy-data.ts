/** @file What the accuracy chart shows, before it is drawn. */
import type { SweepKind } from "../../evaluate/settings.ts";
import type { Interval } from "../../schema/records.ts";
import { count, percent } from "../number-format.ts";

/** What a point stands for: a setting of the sweep, rejection sampling, or a vote over several samples. */
export type AccuracyKind = SweepKind | "rejection" | "vote";

/** One setting of the student. */
export interface AccuracyPoint {
  readonly kind: AccuracyKind;
  /** Names the setting, as `settingKey` does. */
  readonly setting: string;
  readonly label: string;
  /** Label where the drawing is narrow. */
  readonly shortLabel: string;
  readonly accuracy: number;
  readonly interval: Interval | null;
  /** Mean of the setting; below 1 it is drawn at a slot of its own left of the axis. */
  readonly thinkingTokens: number;
}

/** Somebody else's accuracy, drawn as a line across for orientation. */
export interface ReferenceLine {
  readonly label: string;
  readonly accuracy: number;
  /** How the model was run, where its source says so, n, and an interval that is ours. Stands beside the chart, not in it. */
  readonly note: string;
}

/** What the chart shows; points in the order of the sweep. */
export interface AccuracyChartData {
  readonly points: readonly AccuracyPoint[];
  readonly base: { readonly accuracy: number; readonly interval: Interval | null; readonly label: string } | null;
  /** Absent where nobody else's figures are shown. */
  readonly references?: readonly ReferenceLine[];
  readonly n: number;
  /** What n counts: `held-out questions`. */
  readonly questions: string;
  /** What the picture says, for readers who do not see it. */
  readonly description: string;
}

/** What the chart says, in words: base, then each setting with its accuracy. */
export function describeAccuracy(data: Omit<AccuracyChartData, "description">): string {
  const base = data.base === null ? "" : `${data.base.label}. `;
  const points = data.points.map(
    ({ label, accuracy, thinkingTokens }) =>
      `${label}: ${percent(accuracy)} at ${count(thinkingTokens)} thinking tokens`,
  );
  return `${base}${points.join("; ")}.`;
}
