/** @file What was selected beside what was dropped, a pair of bars a row: each side as a share of itself, so that shapes compare. */
import { type Markup, markup } from "../markup.ts";
import { count, percent } from "../number-format.ts";
import type { ChartOptions } from "./accuracy-frame.ts";
import { coordinate } from "./scale.ts";

/** One row: how many of each side are of that kind. */
export interface PairedRow {
  readonly label: string;
  readonly selected: number;
  readonly dropped: number;
}

/** What the chart says in words. */
export interface PairedBars {
  readonly title: string;
  readonly description: string;
  readonly rows: readonly PairedRow[];
}

const BAR_HEIGHT = 10;
const TOP = 26;
/** Narrower charts have their labels above the bars. */
const NARROW = 500;
const NARROW_LABEL = 18;

const rowHeight = (width: number): number => (width < NARROW ? 34 + NARROW_LABEL : 34);

/** The bars as an `<svg>` element; its height follows from the rows. */
export function pairedBars({ title, description, rows }: PairedBars, { width, idPrefix }: ChartOptions): Markup {
  const isNarrow = width < NARROW;
  const height = TOP + rows.length * rowHeight(width) + 6;
  const left = isNarrow ? 0 : 238;
  const room = width - left - 104;
  const total = (side: "selected" | "dropped") =>
    Math.max(
      1,
      rows.reduce((sum, row) => sum + row[side], 0),
    );
  const totals = { selected: total("selected"), dropped: total("dropped") };
  const most = Math.max(1e-9, ...rows.flatMap((row) => [row.selected / totals.selected, row.dropped / totals.dropped]));
  const bar = (row: PairedRow, side: "selected" | "dropped", y: number): Markup => {
    const share = row[side] / totals[side];
    const length = coordinate((share / most) * room);
    return markup`<rect class="paired-${side}" x="${left}" y="${y}" width="${length}" height="${BAR_HEIGHT}"/><text class="tick" x="${coordinate(left + length + 6)}" y="${y + BAR_HEIGHT - 0.5}">${percent(share)} (${count(row[side])})</text>`;
  };
  const bars = rows.map((row, at) => {
    const top = TOP + at * rowHeight(width);
    const y = isNarrow ? top + NARROW_LABEL : top;
    const label = isNarrow
      ? markup`<text class="tick" x="0" y="${top + 12}">${row.label}</text>`
      : markup`<text class="tick" x="${left - 8}" y="${y + BAR_HEIGHT + 5}" text-anchor="end">${row.label}</text>`;
    return markup`${label}${bar(row, "selected", y)}${bar(row, "dropped", y + BAR_HEIGHT + 3)}`;
  });
  return markup`<svg class="chart" role="img" aria-labelledby="${idPrefix}-title ${idPrefix}-description" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" xmlns="http://www.w3.org/2000/svg">
<title id="${idPrefix}-title">${title}</title><desc id="${idPrefix}-description">${description}</desc>
<rect class="paired-selected" x="${left}" y="4" width="10" height="10"/><text class="tick" x="${left + 15}" y="13">selected</text><rect class="paired-dropped" x="${left + 84}" y="4" width="10" height="10"/><text class="tick" x="${left + 99}" y="13">dropped</text>
${bars}</svg>`;
}
