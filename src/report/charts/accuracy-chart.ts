/** @file The picture of the whole product: accuracy against thinking, the student's sweep over the base's band. */
import { type Markup, markup, trustedMarkup } from "../markup.ts";
import type { AccuracyChartData } from "../view/accuracy-data.ts";
import { type AccuracyChartOptions, accuracyFrame, axes, baseBand, referenceLines } from "./accuracy-frame.ts";
import { labelsOf, linkedMarker, obstaclesOf, pathOf, whisker } from "./accuracy-marks.ts";
import { STANDALONE_CHART_STYLE } from "./chart-style.ts";

/** Space around the drawing of a standalone file, so that its background frames it. */
const CARD_MARGIN = 20;

function drawing(data: AccuracyChartData, options: AccuracyChartOptions): Markup {
  const frame = accuracyFrame(data, options);
  const drawn = data.points.map((point) => ({
    ...point,
    x: frame.x(point.thinkingTokens),
    y: frame.y(point.accuracy),
  }));
  const ladder = drawn.filter(({ kind }) => kind === "cap" || kind === "natural");
  const forced = drawn.filter(({ kind }) => kind === "natural" || kind === "wait");
  const voted = drawn.filter(({ kind }) => kind === "vote");
  const votes = voted.length === 0 ? [] : [...drawn.filter(({ kind }) => kind === "natural"), ...voted];
  const rejected = drawn.filter(({ kind }) => kind === "rejection");
  const baseLine =
    data.base === null
      ? []
      : [{ x: frame.left, y: frame.y(data.base.accuracy) - 1, width: frame.right - frame.left, height: 2 }];
  const labels = labelsOf(frame, data, drawn, [
    ...obstaclesOf(frame, drawn, [ladder, forced, votes, rejected]),
    ...baseLine,
  ]);
  const nothing =
    drawn.length === 0 &&
    markup`<text class="label" x="${options.width / 2}" y="${options.height / 2}" text-anchor="middle">nothing was scored</text>`;
  return markup`${data.base && baseBand(frame, data.base)}${axes(frame, data)}${referenceLines(frame, data.references ?? [])}
<path class="ladder-line" d="${pathOf(ladder)}"/><path class="wait-line" d="${pathOf(forced)}"/>
${[votes, rejected].map((path) => path.length > 1 && markup`<path class="other-line" d="${pathOf(path)}"/>`)}
${drawn.map((point) => whisker(frame, point))}${drawn.map((point) => linkedMarker(point, options))}${labels}${nothing}`;
}

function svg(
  data: AccuracyChartData,
  options: AccuracyChartOptions & { readonly margin: number },
  before: Markup | null,
): Markup {
  const { idPrefix, margin } = options;
  const [width, height] = [options.width + 2 * margin, options.height + 2 * margin];
  return markup`<svg class="chart" role="${options.linkOf === undefined ? "img" : "group"}" aria-labelledby="${idPrefix}-title ${idPrefix}-description" viewBox="${-margin} ${-margin} ${width} ${height}" width="${width}" height="${height}" xmlns="http://www.w3.org/2000/svg">
<title id="${idPrefix}-title">Accuracy against thinking</title><desc id="${idPrefix}-description">${data.description}</desc>
${before}${drawing(data, options)}
</svg>`;
}

/** The chart as an `<svg>` element that takes its colours from the page's custom properties. */
export function accuracyChart(data: AccuracyChartData, options: AccuracyChartOptions): Markup {
  return svg(data, { ...options, margin: 0 }, null);
}

/** The same chart as a file of its own, with its colours for light and dark inside: for a README or a slide. */
export function accuracyChartSvg(data: AccuracyChartData): string {
  const options = { width: 760, height: 400, idPrefix: "accuracy", margin: CARD_MARGIN };
  const card = markup`<style>${trustedMarkup(STANDALONE_CHART_STYLE)}</style>
<rect class="card" x="${-CARD_MARGIN}" y="${-CARD_MARGIN}" width="${760 + 2 * CARD_MARGIN}" height="${400 + 2 * CARD_MARGIN}" rx="12"/>`;
  return svg(data, options, card).text;
}
