import { expect, test } from "vitest";
import { GoldCache } from "./gold-cache.ts";

test("a gold is read once, and again when its profile or an option differs", () => {
  const golds = new GoldCache();
  const first = golds.read("12", "math", {});
  expect(golds.read("12", "math", {})).toBe(first);
  expect(golds.read("12", "aime", {})).not.toBe(first);
  expect(golds.read("12", "math", { precision: 2 })).not.toBe(first);
  expect(golds.read("12", "math", { targets: ["expr"] })).not.toBe(first);
  expect(golds.size).toBe(4);
});

test("the gold used longest ago leaves", () => {
  const golds = new GoldCache({ golds: 2, textLength: 10 });
  const one = golds.read("1", "math", {});
  const two = golds.read("2", "math", {});
  golds.read("1", "math", {});
  golds.read("3", "math", {});
  expect(golds.size).toBe(2);
  expect(golds.read("1", "math", {})).toBe(one);
  expect(golds.read("2", "math", {})).not.toBe(two);
});

test("a long gold is not kept", () => {
  const golds = new GoldCache({ golds: 2, textLength: 3 });
  expect(golds.read("1234", "math", {})).toMatchObject({ status: "ok" });
  expect(golds.size).toBe(0);
});

test("a gold that cannot be read is cached as such", () => {
  const golds = new GoldCache();
  expect(golds.read("", "math", {})).toMatchObject({ status: "error" });
  expect(golds.read("", "math", {})).toBe(golds.read("", "math", {}));
});
