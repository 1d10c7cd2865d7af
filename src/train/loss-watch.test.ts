import { describe, expect, test } from "vitest";
import { LossWatch } from "./loss-watch.ts";

const look = (losses: readonly (number | null)[], totalSteps = losses.length): string[] => {
  const watch = new LossWatch({ totalSteps });
  return losses.flatMap((loss, i) => {
    const found = watch.take({ step: i + 1, loss });
    return found === undefined ? [] : [`${found.type} ${found.step}`];
  });
};
/** A curve that falls from 3 with a ripple of a tenth. */
const falling = (steps: number): number[] =>
  Array.from({ length: steps }, (_, i) => 1 + 2 * Math.exp(-i / 40) + 0.05 * Math.sin(i * 2.3));

describe("LossWatch", () => {
  test("says nothing of a curve that falls as it should", () => {
    expect(look(falling(315))).toEqual([]);
  });

  test("a short training is not said to learn nothing", () => {
    expect(look(Array.from({ length: 20 }, () => 2))).toEqual([]);
  });

  test.each([null, Number.NaN, Number.POSITIVE_INFINITY])("%s is no loss", (loss) => {
    expect(look([2, 1.9, loss, 1.8])).toEqual(["not-finite 3"]);
  });

  test("a spike is told once, and again only when it is another", () => {
    const losses = falling(200);
    for (const at of [60, 61, 62, 150]) losses[at] = 6;
    expect(look(losses)).toEqual(["spike 61", "spike 151"]);
  });

  test("the noise of a small batch is no spike", () => {
    const losses = Array.from({ length: 300 }, (_, i) => 3 - i / 200 + (i % 3) * 0.4);
    expect(look(losses)).toEqual([]);
  });

  test("no learning is told once, after a fifth of the steps", () => {
    expect(look(Array.from({ length: 300 }, (_, i) => 2 + 0.01 * Math.sin(i)))).toEqual(["no-learning 60"]);
    expect(look(Array.from({ length: 60 }, () => 2))).toEqual(["no-learning 30"]);
  });

  test("what goes on from the middle is not held against a beginning that was not seen", () => {
    const watch = new LossWatch({ totalSteps: 300, firstStep: 101 });
    const found = Array.from({ length: 200 }, (_, i) => watch.take({ step: 101 + i, loss: 2 }));
    expect(found.filter((one) => one !== undefined)).toEqual([]);
  });

  test("a loss of zero is suspicious, once", () => {
    expect(look([0, 0, 0])).toEqual(["zero 1"]);
  });
});
