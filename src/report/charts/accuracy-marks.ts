/** @file Points, whiskers and labels of the accuracy chart. */
import { type Markup, markup } from "../markup.ts";
import type { AccuracyChartData, AccuracyPoint } from "../view/accuracy-data.ts";
import { percent } from "../number-format.ts";
import type { AccuracyChartOptions, Frame } from "./accuracy-frame.ts";
import { type Box, boxesMeet, lineObstacles, type PlacedLabel, placeLabel } from "./label-placement.ts";
import { coordinate } from "./scale.ts";

/** A point with its place in the drawing. */
export interface Drawn extends AccuracyPoint {
  readonly x: number;
  readonly y: number;
}

/** A circle for a cap, a large one for the natural end, a diamond for Wait, a square for no thinking, a triangle for a vote, a cross for rejection. */
export function marker({ kind, x, y }: Drawn): Markup {
  const [cx, cy] = [coordinate(x), coordinate(y)];
  switch (kind) {
    case "cap":
      return markup`<circle class="point-cap" cx="${cx}" cy="${cy}" r="5"/>`;
    case "natural":
      return markup`<circle class="point-natural" cx="${cx}" cy="${cy}" r="7.5"/>`;
    case "wait":
      return markup`<path class="point-wait" d="M${cx} ${cy - 8.5}l8.5 8.5-8.5 8.5-8.5-8.5z"/>`;
    case "direct":
      return markup`<rect class="point-direct" x="${coordinate(cx - 5)}" y="${coordinate(cy - 5)}" width="10" height="10"/>`;
    case "vote":
      return markup`<path class="point-vote" d="M${cx} ${coordinate(cy - 7)}l7 12h-14z"/>`;
    case "rejection":
      return markup`<path class="point-rejection" d="M${coordinate(cx - 5)} ${coordinate(cy - 5)}l10 10m0 -10l-10 10"/>`;
    default:
      return kind satisfies never;
  }
}

/** The marker as a link, with a halo that is easier to hit and shows where the focus is. */
export function linkedMarker(
  point: Drawn,
  { linkOf, chosen }: Pick<AccuracyChartOptions, "linkOf" | "chosen">,
): Markup {
  if (linkOf === undefined) return marker(point);
  const [cx, cy] = [coordinate(point.x), coordinate(point.y)];
  const name = `${point.label}, ${percent(point.accuracy)} right: its answers`;
  const isChosen = point.setting === chosen;
  return markup`<a href="${linkOf(point)}" aria-label="${name}"${isChosen ? markup` aria-current="true"` : null}><circle class="halo" cx="${cx}" cy="${cy}" r="13"/>${marker(point)}</a>`;
}

/** The interval as a bar with short ends. */
export function whisker(frame: Frame, { x, interval }: Drawn): Markup | null {
  if (interval === null) return null;
  const [cx, low, high] = [coordinate(x), coordinate(frame.y(interval[0])), coordinate(frame.y(interval[1]))];
  return markup`<path class="whisker" d="M${cx} ${high}V${low}M${coordinate(cx - 4)} ${high}h8M${coordinate(cx - 4)} ${low}h8"/>`;
}

/** Path data of straight lines through the points. */
export function pathOf(points: readonly Drawn[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${coordinate(x)} ${coordinate(y)}`).join("");
}

/** What labels must not cover: points, whiskers and the lines between points. */
export function obstaclesOf(
  frame: Frame,
  drawn: readonly Drawn[],
  paths: readonly (readonly Drawn[])[],
): readonly Box[] {
  const boxes: Box[] = [];
  for (const { x, y, interval } of drawn) {
    boxes.push({ x: x - 9, y: y - 9, width: 18, height: 18 });
    if (interval !== null) {
      const high = frame.y(interval[1]);
      boxes.push({ x: x - 5, y: high - 2, width: 10, height: frame.y(interval[0]) - high + 4 });
    }
  }
  for (const path of paths) {
    for (const [index, point] of path.entries()) {
      const next = path[index + 1];
      if (next !== undefined) boxes.push(...lineObstacles([point.x, point.y], [next.x, next.y]));
    }
  }
  return boxes;
}

/** A label for every point and for the base, each where it covers least. */
export function labelsOf(
  frame: Frame,
  data: AccuracyChartData,
  drawn: readonly Drawn[],
  fixed: readonly Box[],
): readonly Markup[] {
  const bounds = { x: 2, y: 20, width: frame.width - 4, height: frame.bottom - 22 };
  const obstacles = [...fixed];
  const draw = (className: string, placed: PlacedLabel) => {
    obstacles.push(placed.box);
    return markup`<text class="label label-${className}" x="${coordinate(placed.x)}" y="${coordinate(placed.baseline)}">${placed.text}</text>`;
  };
  const { fontSize } = frame;
  // The end of the sweep carries the message and lies in a corner, so it chooses its places first.
  const order = [...drawn].reverse();
  const labels = order.map((point) => {
    const high = point.interval === null ? point.y : frame.y(point.interval[1]);
    const text = frame.isNarrow ? point.shortLabel : point.label;
    // Starting from the middle of the upper whisker keeps a label above its own whisker.
    const request = { text, x: point.x, y: (point.y + high) / 2, gapX: 11, gapY: 10 + (point.y - high) / 2 };
    // Labels other than a cap's are set in a heavier, wider face.
    const width = point.kind === "cap" ? fontSize : fontSize * 1.1;
    return draw(point.kind, placeLabel({ ...request, fontSize: width }, obstacles, bounds));
  });
  const base = data.base === null ? [] : [draw("base", lineLabel(frame, data.base, obstacles))];
  const references = (data.references ?? []).map(({ label, accuracy }) =>
    draw("reference", lineLabel(frame, { label, accuracy, interval: null }, obstacles)),
  );
  return [...labels, ...base, ...references];
}

/** The label of a line across, above it or its band, at the right or the left end, whichever is free. */
function lineLabel(frame: Frame, line: NonNullable<AccuracyChartData["base"]>, obstacles: readonly Box[]): PlacedLabel {
  const [low, high] = line.interval ?? [line.accuracy, line.accuracy];
  const [left, width, y] = [frame.left, frame.right - frame.left, frame.y(high)];
  const band = { x: left, y: y - 1, width, height: frame.y(low) - y + 2 };
  const bounds = { x: left, y: frame.top, width, height: frame.bottom - frame.top };
  const request = { text: line.label, y, gapX: 5, gapY: 5, fontSize: frame.fontSize * 1.1 };
  const atRight = placeLabel({ ...request, x: frame.right - 4 }, [...obstacles, band], bounds);
  if (!obstacles.some((other) => boxesMeet(atRight.box, other))) return atRight;
  return placeLabel({ ...request, x: left + 4 }, [...obstacles, band], bounds);
}
