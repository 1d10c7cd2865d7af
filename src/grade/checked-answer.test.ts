import { describe, expect, it, test } from "vitest";
import { type CheckAnswer, gradeChecked } from "./checked-answer.ts";

/** Reads letters; B is right. */
const check: CheckAnswer = (text) =>
  !/^[A-Z]$/.test(text) ? "answer_parse_error" : text === "B" ? "correct" : "incorrect";

describe("gradeChecked", () => {
  test.each([
    ["the line that was asked for", "It is so.\nAnswer: B", "correct", "B", "answer-line/checked"],
    ["the last of several lines", "Answer: B\nNo.\nAnswer: A", "incorrect", "A", "answer-line/checked"],
    ["a box where there is no line", "So it is \\boxed{B}.\nDone.", "correct", "B", "boxed/checked"],
    ["a line that cannot be read gives way to a box", "Answer: see below\n\\boxed{B}", "correct", "B", "boxed/checked"],
    ["a reply that is the answer alone", "B", "correct", "B", "whole/checked"],
    ["after the thinking", "<think>Answer: A</think>\nAnswer: B", "correct", "B", "answer-line/checked"],
    ["nothing that can be read", "Answer: bee", "answer_parse_error", "bee", "answer-line/checked"],
    ["no answer at all", "I do not know.\nSorry.", "no_answer", null, "no-answer-line"],
    ["nothing", "", "no_answer", null, "no-answer-line"],
  ] as const)("%s", (_, reply, outcome, extracted, rule) => {
    expect(gradeChecked(reply, check)).toEqual({ outcome, extracted, rule });
  });

  it("does not look at what is too long", () => {
    expect(gradeChecked("x".repeat(2 << 20), check).outcome).toBe("answer_limit");
    expect(gradeChecked(`Answer: ${"B".repeat(10_000)}`, check).outcome).toBe("answer_limit");
  });

  it("hands on that the question is not known", () => {
    expect(gradeChecked("Answer: B", () => "gold_error").outcome).toBe("gold_error");
  });
});
