import { expect, test } from "vitest";
import { lossOverlay, MOST_SERIES } from "./loss-overlay.ts";

const SIZE = { width: 880, height: 300, idPrefix: "x" };
const points = (...losses: number[]) => losses.map((loss, at) => ({ step: at + 1, loss }));

test("a curve a run, on one scale, with hostile names as text", () => {
  const svg = lossOverlay(
    [
      { name: "a<script>", points: points(1, 0.5) },
      { name: "b", points: points(2, 1, 0.5) },
    ],
    SIZE,
  ).text;
  expect(svg.match(/class="series series-\d" d="([^"]+)"/g)).toEqual([
    'class="series series-0" d="M42 143L386 199.5"',
    'class="series series-1" d="M42 30L386 143L730 199.5"',
  ]);
  expect(svg).toContain("a&lt;script&gt;");
  expect(svg).not.toContain("<script>");
});

test("labels of curves that end together stand apart, within the drawing", () => {
  const svg = lossOverlay(
    Array.from({ length: 9 }, (_, at) => ({ name: `run-${at}`, points: points(1, 0) })),
    SIZE,
  ).text;
  const places = [...svg.matchAll(/series-name-\d" x="\d+" y="([\d.]+)"/g)].map(([, y]) => Number(y));
  expect(places).toHaveLength(MOST_SERIES);
  for (const [at, y] of places.entries()) if (at > 0) expect(y - places[at - 1]!).toBeGreaterThanOrEqual(15);
  expect(Math.max(...places)).toBeLessThanOrEqual(300 - 44 + 4);
});
