import { expect, it } from "vitest";
import { linearScale, powersOfTwo, roundTicks } from "./scale.ts";

it("maps linearly, and a point domain to the middle", () => {
  expect(linearScale([0, 10], [100, 200])(2.5)).toBe(125);
  expect(linearScale([3, 3], [100, 200])(3)).toBe(150);
});

it("thins powers of two evenly", () => {
  expect(powersOfTwo(16, 512, 11)).toEqual([16, 32, 64, 128, 256, 512]);
  expect(powersOfTwo(13, 512, 3)).toEqual([16, 64, 256]);
});

it.each([
  [2.07, 5, [0, 0.5, 1, 1.5, 2, 2.5]],
  [0.09, 5, [0, 0.02, 0.04, 0.06, 0.08, 0.1]],
  [100, 5, [0, 20, 40, 60, 80, 100]],
  [0, 5, [0, 1]],
])("ticks for %d reach it in at most %d steps", (high, most, expected) => {
  const ticks = roundTicks(high, most);
  expect(ticks.map((tick) => Number(tick.toFixed(10)))).toEqual(expected);
});
