/** @file The loss curves of several runs over each other, each named at its end. */
import { type Markup, markup } from "../markup.ts";
import { count } from "../number-format.ts";
import { oneLine } from "../plain-text.ts";
import type { LossPoint } from "../view/training.ts";
import type { ChartOptions } from "./accuracy-frame.ts";
import { coordinate, linearScale, roundTicks } from "./scale.ts";

/** One run's curve. */
export interface LossSeries {
  readonly name: string;
  readonly points: readonly LossPoint[];
}

/** So many curves can be told apart, by colour and by dashes. */
export const MOST_SERIES = 6;

const LABEL_HEIGHT = 15;

/** The running means of the runs' losses as an `<svg>` element; what is past {@link MOST_SERIES} is left out. */
export function lossOverlay(series: readonly LossSeries[], { width, height, idPrefix }: ChartOptions): Markup {
  const shown = series.slice(0, MOST_SERIES).filter(({ points }) => points.length > 0);
  const points = shown.flatMap((each) => each.points);
  const isNarrow = width < 500;
  const [left, right, top, bottom] = [42, width - (isNarrow ? 84 : 150), 30, height - 44];
  const ticks = roundTicks(Math.max(0, ...points.map(({ loss }) => loss)), 5);
  const lastStep = Math.max(2, ...points.map(({ step }) => step));
  const x = linearScale([1, lastStep], [left, right]);
  const y = linearScale([0, ticks.at(-1) ?? 1], [bottom, top]);
  const decimals = (ticks[1] ?? 1) < 0.1 ? 2 : 1;
  const rows = ticks.map((tick) => {
    const at = coordinate(y(tick));
    return markup`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="tick" x="${left - 7}" y="${coordinate(at + 4)}" text-anchor="end">${tick.toFixed(decimals)}</text>`;
  });
  const labels = apart(
    shown.map((each) => y(each.points.at(-1)?.loss ?? 0)),
    bottom,
  );
  const curves = shown.map((each, at) => {
    const path = each.points
      .map(({ step, loss }, point) => `${point === 0 ? "M" : "L"}${coordinate(x(step))} ${coordinate(y(loss))}`)
      .join("");
    return markup`<path class="series series-${at}" d="${path}"/><text class="series-name series-name-${at}" x="${right + 8}" y="${coordinate((labels[at] ?? 0) + 4)}">${oneLine(each.name, isNarrow ? 11 : 20)}</text>`;
  });
  return markup`<svg class="chart" role="img" aria-labelledby="${idPrefix}-title ${idPrefix}-description" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" xmlns="http://www.w3.org/2000/svg">
<title id="${idPrefix}-title">Training loss of ${shown.length} runs</title><desc id="${idPrefix}-description">${describe(shown)}</desc>
${rows}<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text class="tick" x="${left}" y="${bottom + 18}" text-anchor="middle">1</text><text class="tick" x="${right}" y="${bottom + 18}" text-anchor="middle">${count(lastStep)}</text>
<text class="axis-title" x="0" y="14">loss, nats a trained token</text>
<text class="axis-title" x="${right}" y="${height - 6}" text-anchor="end">optimizer step</text>
${curves}</svg>`;
}

function describe(shown: readonly LossSeries[]): string {
  return shown
    .map(({ name, points }) => `${oneLine(name)}: ${points[0]?.loss.toFixed(2)} to ${points.at(-1)?.loss.toFixed(2)}`)
    .join("; ");
}

/** Places of labels at their curves' ends, moved as little as keeps them from covering each other. */
function apart(wanted: readonly number[], bottom: number): number[] {
  const order = wanted.map((at, index) => ({ at, index })).sort((a, b) => a.at - b.at);
  const placed: number[] = [];
  let free = Number.NEGATIVE_INFINITY;
  for (const { at, index } of order) {
    const place = Math.max(at, free);
    placed[index] = place;
    free = place + LABEL_HEIGHT;
  }
  const over = Math.max(0, free - LABEL_HEIGHT - bottom);
  return placed.map((place) => place - over);
}
