/** @file The loss of every step (faint), its running mean (strong), the learning rate (dashes, from 0 to its highest), and where epochs end. */
import { type Markup, markup } from "../markup.ts";
import { count } from "../number-format.ts";
import type { LossPoint, TrainingView } from "../view/training.ts";
import type { ChartOptions } from "./accuracy-frame.ts";
import { coordinate, linearScale, roundTicks } from "./scale.ts";

function pathOf(points: readonly LossPoint[], x: (step: number) => number, y: (loss: number) => number): string {
  return points
    .map(({ step, loss }, index) => `${index === 0 ? "M" : "L"}${coordinate(x(step))} ${coordinate(y(loss))}`)
    .join("");
}

/** The loss curve as an `<svg>` element. */
export function lossChart(view: TrainingView, { width, height, idPrefix }: ChartOptions): Markup {
  const [left, right, top, bottom] = [42, width - 12, 30, height - 44];
  const ticks = roundTicks(Math.max(0, ...view.raw.map(({ loss }) => loss)), 5);
  const x = linearScale([1, view.raw.at(-1)?.step ?? 2], [left, right]);
  const y = linearScale([0, ticks.at(-1) ?? 1], [bottom, top]);
  const decimals = (ticks[1] ?? 1) < 0.1 ? 2 : 1;
  const rows = ticks.map((tick) => {
    const at = coordinate(y(tick));
    return markup`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="tick" x="${left - 7}" y="${coordinate(at + 4)}" text-anchor="end">${tick.toFixed(decimals)}</text>`;
  });
  const epochs = view.epochEnds.map((step, index) => {
    const at = coordinate(x(step));
    return markup`<line class="break" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/><text class="tick" x="${at}" y="${bottom + 18}" text-anchor="middle">${count(step)}</text>${index === 0 && markup`<text class="label" x="${at + 6}" y="${top + 18}">end of epoch 1</text>`}`;
  });
  const ratePath = pathOf(
    view.rate.map(({ step, share }) => ({ step, loss: share * (ticks.at(-1) ?? 1) })),
    x,
    y,
  );
  return markup`<svg class="chart" role="img" aria-labelledby="${idPrefix}-title ${idPrefix}-description" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" xmlns="http://www.w3.org/2000/svg">
<title id="${idPrefix}-title">Training loss</title><desc id="${idPrefix}-description">${view.sentence}</desc>
${rows}${epochs}<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text class="axis-title" x="0" y="14">loss, nats a trained token</text>
<text class="axis-title" x="${right}" y="${height - 6}" text-anchor="end">optimizer step</text>
<path class="rate-line" d="${ratePath}"/><path class="loss-raw" d="${pathOf(view.raw, x, y)}"/><path class="loss-line" d="${pathOf(view.smooth, x, y)}"/>
</svg>`;
}
