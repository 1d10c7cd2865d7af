/** @file The accuracy chart's data, its axes and the base's band. */
import { type Markup, markup } from "../markup.ts";
import { count } from "../number-format.ts";
import type { AccuracyChartData, AccuracyPoint } from "../view/accuracy-data.ts";
import { coordinate, linearScale, powersOfTwo } from "./scale.ts";

/** Size and identity of a drawing; `idPrefix` keeps ids unique when a page holds several. */
export interface ChartOptions {
  readonly width: number;
  readonly height: number;
  readonly idPrefix: string;
}

/** How the accuracy chart is drawn where its points lead somewhere. */
export interface AccuracyChartOptions extends ChartOptions {
  /** Address that a point leads to; the chart is a picture and no more where it is left out. */
  readonly linkOf?: (point: AccuracyPoint) => string;
  /** Name of the setting whose point is ringed. */
  readonly chosen?: string;
}

/** A drawing area with its scales: tokens and accuracies to drawing units. */
export interface Frame extends ChartOptions {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly fontSize: number;
  readonly isNarrow: boolean;
  readonly x: (tokens: number) => number;
  readonly y: (accuracy: number) => number;
  readonly ticks: readonly number[];
  /** Centre of the slot for settings without thinking, if there is one. */
  readonly zeroX: number | null;
}

const ZERO_SLOT_WIDTH = 44;

/** Scales that hold every point, with a slot at the left for settings that do not think. */
export function accuracyFrame(data: AccuracyChartData, options: ChartOptions): Frame {
  const isNarrow = options.width < 500;
  const [left, right, top, bottom] = [42, options.width - 12, 48, options.height - 48];
  const positive = data.points.map((point) => point.thinkingTokens).filter((tokens) => tokens >= 1);
  const low = Math.floor(Math.log2(Math.min(...positive, 1024)));
  const high = Math.ceil(Math.log2(Math.max(...positive, 2)));
  const hasZero = data.points.some((point) => point.thinkingTokens < 1);
  const start = left + (hasZero ? ZERO_SLOT_WIDTH : 0);
  const domain: [number, number] = [Math.min(low, high - 1) - 0.25, high + 0.25];
  const log = linearScale(domain, [start, right]);
  return {
    ...options,
    left,
    right,
    top,
    bottom,
    isNarrow,
    fontSize: isNarrow ? 12 : 13,
    x: (tokens) => (tokens < 1 ? left + ZERO_SLOT_WIDTH / 2 : log(Math.log2(tokens))),
    y: linearScale([0, 1], [bottom, top]),
    ticks: powersOfTwo(2 ** domain[0], 2 ** domain[1], isNarrow ? 6 : 11),
    zeroX: hasZero ? left + ZERO_SLOT_WIDTH / 2 : null,
  };
}

/** Grid, ticks and titles of both axes. */
export function axes(frame: Frame, { n, questions }: Pick<AccuracyChartData, "n" | "questions">): Markup {
  const { left, right, bottom, y } = frame;
  const rows = [0, 0.25, 0.5, 0.75, 1].map(
    (
      share,
    ) => markup`<line class="grid" x1="${left}" x2="${right}" y1="${coordinate(y(share))}" y2="${coordinate(y(share))}"/>
<text class="tick" x="${left - 7}" y="${coordinate(y(share) + 4)}" text-anchor="end">${Math.round(share * 100)}</text>`,
  );
  const columns = frame.ticks.map(
    (
      tick,
    ) => markup`<line class="axis" x1="${coordinate(frame.x(tick))}" x2="${coordinate(frame.x(tick))}" y1="${bottom}" y2="${bottom + 5}"/>
<text class="tick" x="${coordinate(frame.x(tick))}" y="${bottom + 20}" text-anchor="middle">${count(tick)}</text>`,
  );
  const zero =
    frame.zeroX !== null &&
    markup`<text class="tick" x="${frame.zeroX}" y="${bottom + 20}" text-anchor="middle">none</text>
<line class="break" x1="${left + ZERO_SLOT_WIDTH}" x2="${left + ZERO_SLOT_WIDTH}" y1="${frame.top - 14}" y2="${bottom + 5}"/>`;
  const title = frame.isNarrow
    ? `right answers, %, of n = ${count(n)}`
    : `right answers, % of n = ${count(n)} ${questions}`;
  const below = frame.isNarrow
    ? "mean thinking tokens, log scale"
    : "mean thinking tokens of a question, log scale: each mark doubles";
  return markup`${rows}${columns}${zero}<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text class="axis-title" x="0" y="14">${title}</text>
<text class="axis-title" x="${right}" y="${frame.height - 6}" text-anchor="end">${below}</text>`;
}

/** Other models' accuracies as dotted lines across. */
export function referenceLines(frame: Frame, references: NonNullable<AccuracyChartData["references"]>): Markup[] {
  return references.map(({ accuracy }) => {
    const y = coordinate(frame.y(accuracy));
    return markup`<line class="reference-line" x1="${frame.left}" x2="${frame.right}" y1="${y}" y2="${y}"/>`;
  });
}

/** The base's accuracy as a dashed line across, its interval as a band. */
export function baseBand(frame: Frame, base: NonNullable<AccuracyChartData["base"]>): Markup {
  const y = coordinate(frame.y(base.accuracy));
  const [low, high] = base.interval ?? [base.accuracy, base.accuracy];
  const top = coordinate(frame.y(high));
  return markup`<rect class="base-band" x="${frame.left}" y="${top}" width="${coordinate(frame.right - frame.left)}" height="${coordinate(Math.max(frame.y(low) - top, 2))}"/>
<line class="base-line" x1="${frame.left}" x2="${frame.right}" y1="${y}" y2="${y}"/>`;
}
