import { expect, test } from "vitest";
import { KeySequence } from "./key-sequence.ts";

const binding = (keys: string) => ({ keys, what: "", run: () => undefined });
const BINDINGS = ["?", "t", "g t", "g r"].map(binding);

const pressAll = (...presses: readonly (readonly [string, number])[]) => {
  const sequence = new KeySequence();
  return presses.map(([key, atMs]) => sequence.press(key, atMs, BINDINGS)?.keys);
};

test("one key, and two one after the other", () => {
  expect(pressAll(["?", 0], ["g", 10], ["r", 20], ["t", 30])).toEqual(["?", undefined, "g r", "t"]);
  expect(pressAll(["g", 0], ["t", 100])).toEqual([undefined, "g t"]);
});

test("a second key that comes late or fits nothing stands for itself", () => {
  expect(pressAll(["g", 0], ["t", 5000])).toEqual([undefined, "t"]);
  expect(pressAll(["g", 0], ["x", 10], ["t", 20])).toEqual([undefined, undefined, "t"]);
  expect(pressAll(["g", 0], ["g", 10], ["r", 20])).toEqual([undefined, undefined, "g r"]);
});
