import { expect, test } from "vitest";
import { GradeTally } from "./grade-tally.ts";

test("counts outcomes, and rows on which the extractors disagree", () => {
  const tally = new GradeTally();
  tally.add({ outcome: "correct", flexible: { outcome: "correct", extracted: "1" } });
  tally.add({ outcome: "incorrect", flexible: { outcome: "correct", extracted: "1" } });
  tally.add({ outcome: "incorrect", flexible: null });
  tally.add({ outcome: "row_error", flexible: null });
  tally.add({ outcome: "gold_error", flexible: null });
  expect(tally.summary()).toEqual({
    rows: 5,
    outcomes: { incorrect: 2, correct: 1, gold_error: 1, row_error: 1 },
    accuracy: 1 / 3, // neither a broken row nor a broken gold says anything of the model
    disagreements: 1,
  });
});

test("no accuracy without a graded row", () => {
  expect(new GradeTally().summary()).toEqual({ rows: 0, outcomes: {}, accuracy: null, disagreements: 0 });
});
