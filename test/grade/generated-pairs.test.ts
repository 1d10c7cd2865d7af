/** @file Laws of the maths grader, on generated golds of every kind. */
import { describe, expect, test } from "vitest";
import { answerClass, compileGold, gradeAnswer } from "../../src/grade/grade-answer.ts";
import { generatePairs, KINDS, type LabelledPair } from "./generate/pairs.ts";

const pairs = generatePairs(1, 3000);

function outcomeOf({ gold, pred }: LabelledPair): string {
  const reading = compileGold(gold);
  return reading.status === "ok" ? gradeAnswer(reading.gold, pred).outcome : `gold_error: ${reading.reason}`;
}

/** Pairs with a verdict that is not the wanted one, as a person reads them; at most 20. */
function wrong(kind: string, isCorrect: boolean): string[] {
  return pairs
    .filter((pair) => pair.kind === kind && pair.isCorrect === isCorrect)
    .filter((pair) => (outcomeOf(pair) === "correct") !== isCorrect)
    .map((pair) => `${pair.how}: ${pair.gold} and ${JSON.stringify(pair.pred)}: ${outcomeOf(pair)}`)
    .slice(0, 20);
}

/** Pairs whose classes differ where the answers are equal, or are the same where they are not; at most 20. */
function sameClass(kind: string, isCorrect: boolean): string[] {
  return pairs
    .filter((pair) => pair.kind === kind && pair.isCorrect === isCorrect)
    .filter(({ gold, pred }) => (answerClass(gold) === answerClass(pred)) !== isCorrect)
    .map(({ how, gold, pred }) => `${how}: ${answerClass(gold)} and ${answerClass(pred)}: ${gold}, ${pred}`)
    .slice(0, 20);
}

test("the same seed gives the same pairs, another seed others", () => {
  expect(generatePairs(1, 500)).toEqual(pairs.slice(0, generatePairs(1, 500).length));
  expect(generatePairs(2, 500)).not.toEqual(generatePairs(1, 500));
});

describe.each(Object.keys(KINDS))("%s", (kind) => {
  test("a rewriting that keeps the value stays correct", () => expect(wrong(kind, true)).toEqual([]));
  test("one that changes it is incorrect", () => expect(wrong(kind, false)).toEqual([]));
  test("a wrong answer is never in the gold's class", () => expect(sameClass(kind, false)).toEqual([]));
  test("an equal answer is in the gold's class", () => expect(sameClass(kind, true)).toEqual([]));
  test("the gold compiles, and has a class", () => {
    for (const gold of new Set(pairs.filter((pair) => pair.kind === kind).map((pair) => pair.gold))) {
      expect(compileGold(gold)).toMatchObject({ status: "ok" });
      expect(answerClass(gold)).not.toBeNull();
    }
  });
});
