/** @file A small run of the fuzzer (`npm run fuzz:grade` is the large one), and proof that it notices what it looks for. */
import { describe, expect, test } from "vitest";
import { answerClass, compileGold, gradeAnswer } from "../../src/grade/grade-answer.ts";
import { type FuzzedGrader, fuzzGrader } from "./generate/fuzz-grader.ts";

/** Milliseconds of processor time: other tests run beside this one. */
const now = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const real: FuzzedGrader = { compileGold, gradeAnswer, answerClass, now };
/** Ten times the limit of the large run: code that has just been loaded is not yet optimised. */
const plan = { seed: 7, inputs: 3000, limitMs: 500 };

test("3,000 inputs throw nothing, take no time, and get one verdict", () => {
  const { failures, inputs } = fuzzGrader(real, plan);
  expect(failures).toEqual([]);
  expect(inputs).toBe(3000);
});

describe("the fuzzer notices", () => {
  const found = (change: Partial<FuzzedGrader>): string =>
    fuzzGrader({ ...real, ...change }, { ...plan, inputs: 300 }).failures[0]?.problem ?? "nothing";

  test("what throws, and shrinks it", () => {
    const throwing: FuzzedGrader = {
      ...real,
      answerClass: (text) => {
        if (text.includes("\\fr")) throw new Error("no fractions");
        return null;
      },
    };
    const [failure] = fuzzGrader(throwing, { ...plan, inputs: 300 }).failures;
    expect(failure?.problem).toContain("throws Error: no fractions");
    expect(failure?.pred).toBe("\\fr");
  });

  test("an outcome that is none", () => {
    expect(
      found({ gradeAnswer: (gold, reply) => ({ ...gradeAnswer(gold, reply), outcome: "maybe" as "correct" }) }),
    ).toContain("maybe");
  });

  test("two verdicts for the same input", () => {
    let calls = 0;
    expect(found({ answerClass: () => String(calls++) })).toContain("two verdicts");
  });

  test("a gold that differs from itself", () => {
    const different: FuzzedGrader["gradeAnswer"] = (gold, reply) => ({
      ...gradeAnswer(gold, reply),
      outcome: "incorrect",
    });
    expect(found({ gradeAnswer: different })).toContain("against itself");
  });

  test("a call that takes long", () => {
    let time = 0;
    expect(found({ now: () => (time += 501) })).toContain("more than 500 ms");
  });
});
