/** @file Puts labels beside points without covering what is drawn: the least overlapping of a few places wins. */

/** A rectangle in drawing units, y downwards. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A label to place: its text, its point, and how far from it across and along. */
export interface LabelRequest {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly gapX: number;
  readonly gapY: number;
  readonly fontSize: number;
}

/** A placed label: where its text starts (left end, baseline) and the box it covers. */
export interface PlacedLabel {
  readonly text: string;
  readonly x: number;
  readonly baseline: number;
  readonly box: Box;
}

/** Mean width of a character of the interface font, in font sizes; a little generous, so that labels never touch. */
const CHARACTER_WIDTH = 0.6;

/** Directions tried, best first: where a reader looks for a label of a rising curve. */
const DIRECTIONS: readonly (readonly [number, number])[] = [
  [0, -1],
  [-1, -1],
  [1, 1],
  [1, 0],
  [-1, 0],
  [0, 1],
  [1, -1],
  [-1, 1],
];

/** Whether two boxes share any area. */
export function boxesMeet(a: Box, b: Box): boolean {
  return overlapArea(a, b) > 0;
}

function overlapArea(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** The label at one direction and distance, shifted sideways where it would leave `bounds`. */
function candidate(
  request: LabelRequest,
  [across, along]: readonly [number, number],
  reach: number,
  bounds: Box,
): PlacedLabel {
  const width = request.text.length * request.fontSize * CHARACTER_WIDTH;
  const height = request.fontSize * 1.15;
  const wanted = request.x + across * request.gapX * reach - ((1 - across) / 2) * width;
  const x = Math.max(bounds.x, Math.min(wanted, bounds.x + bounds.width - width));
  const y = request.y + along * request.gapY * reach - ((1 - along) / 2) * height;
  return { text: request.text, x, baseline: y + request.fontSize * 0.92, box: { x, y, width, height } };
}

/** How far the label's nearest edge is from its point. */
function distance({ x, y }: LabelRequest, { box }: PlacedLabel): number {
  const across = Math.max(box.x - x, 0, x - box.x - box.width);
  const along = Math.max(box.y - y, 0, y - box.y - box.height);
  return Math.hypot(across, along);
}

/**
 * The place with the least overlap with `obstacles`, among eight directions at two distances; what sticks out of
 * `bounds` counts ten times, and four units of distance as much as one square unit of overlap. Earlier directions win ties, so the
 * result is a function of its arguments.
 */
export function placeLabel(request: LabelRequest, obstacles: readonly Box[], bounds: Box): PlacedLabel {
  const cost = (place: PlacedLabel) => {
    const { box } = place;
    const outside = box.width * box.height - overlapArea(box, bounds);
    const covered = obstacles.reduce((sum, obstacle) => sum + overlapArea(box, obstacle), 0);
    return outside * 10 + covered + distance(request, place) / 4;
  };
  const places = [1, 2].flatMap((reach) => DIRECTIONS.map((direction) => candidate(request, direction, reach, bounds)));
  return places.reduce((best, place) => (cost(place) < cost(best) - 1e-9 ? place : best));
}

/** Small boxes along a straight line, so that labels keep clear of it. */
export function lineObstacles(from: readonly [number, number], to: readonly [number, number]): readonly Box[] {
  const pieces = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / 6));
  return Array.from({ length: pieces + 1 }, (_, index) => {
    const share = index / pieces;
    return {
      x: from[0] + (to[0] - from[0]) * share - 2,
      y: from[1] + (to[1] - from[1]) * share - 2,
      width: 4,
      height: 4,
    };
  });
}
