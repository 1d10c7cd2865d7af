/** @file Cases written for Grappa, from how models answer; fixtures/grade/README.md explains the fields. */
import { describe, expect, test } from "vitest";
import { type CaseLine, casesOf, gradeText } from "./cases.ts";

interface OwnCase {
  readonly gold: string;
  readonly pred: string;
  readonly expected: "correct" | "incorrect" | "no_answer" | "gold_error";
  readonly phenomenon: string;
  readonly why?: string;
}

/** Outcomes that an expectation accepts: wrong is wrong whether the reply could be read or not. */
const ACCEPTED: Readonly<Record<OwnCase["expected"], readonly string[]>> = {
  correct: ["correct"],
  incorrect: ["incorrect", "no_answer", "answer_parse_error", "answer_limit"],
  no_answer: ["no_answer"],
  gold_error: ["gold_error"],
};

const cases = casesOf<OwnCase>("own-cases.jsonl");
const phenomena = [...new Set(cases.map(({ value }) => value.phenomenon))];

test("are at least 300, both ways, each once", () => {
  const keys = cases.map(({ value: { expected: _expected, phenomenon: _phenomenon, why: _why, ...asked } }) =>
    JSON.stringify(asked),
  );
  expect(keys.length).toBeGreaterThanOrEqual(300);
  expect(new Set(keys).size).toBe(keys.length);
  expect(cases.filter(({ value }) => value.expected === "incorrect").length).toBeGreaterThan(100);
});

/** What is wrong with a case, or null. */
function wrongness({ number, text, value: { gold, pred, expected, why = "" } }: CaseLine<OwnCase>): string | null {
  const { outcome, extracted } = gradeText(text, number);
  if (ACCEPTED[expected].includes(outcome)) return null;
  return `line ${number}: ${gold} and ${pred}: ${outcome} (found ${extracted}), not ${expected} ${why}`.trimEnd();
}

describe.each(phenomena)("%s", (phenomenon) => {
  const own = cases.filter(({ value }) => value.phenomenon === phenomenon);

  test(`all ${own.length} come out as they should`, () => {
    expect(own.map(wrongness).filter((wrong) => wrong !== null)).toEqual([]);
  });
});
