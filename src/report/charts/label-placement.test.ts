import fc from "fast-check";
import { expect, it } from "vitest";
import { type Box, boxesMeet, lineObstacles, placeLabel } from "./label-placement.ts";

const bounds: Box = { x: 0, y: 0, width: 400, height: 300 };
const request = { text: "cut at 64", x: 200, y: 150, gapX: 10, gapY: 10, fontSize: 12 };

it("goes above a free point, and elsewhere when that is taken", () => {
  const free = placeLabel(request, [], bounds);
  expect(free.box.y + free.box.height).toBeLessThanOrEqual(140.1);
  const moved = placeLabel(request, [free.box], bounds);
  expect(boxesMeet(moved.box, free.box)).toBe(false);
});

it("stays inside wherever the point is, if the place allows it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 300 }), (x, y) => {
      const { box } = placeLabel({ ...request, x, y }, [], bounds);
      expect(box.x).toBeGreaterThanOrEqual(-1e-9);
      expect(box.y).toBeGreaterThanOrEqual(-1e-9);
      expect(box.x + box.width).toBeLessThanOrEqual(400 + 1e-9);
      expect(box.y + box.height).toBeLessThanOrEqual(300 + 1e-9);
    }),
  );
});

it("keeps off a line through its point", () => {
  const line = lineObstacles([0, 300], [400, 0]);
  const { box } = placeLabel(request, line, bounds);
  expect(line.some((piece) => boxesMeet(piece, box))).toBe(false);
});
