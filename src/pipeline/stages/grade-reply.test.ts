import { afterEach, describe, expect, it } from "vitest";
import type { CodeRunner } from "../../grade/code/code-runner.ts";
import { families } from "../../questions/families.ts";
import type { Question } from "../../schema/records.ts";
import { canGradeByRule, hasVerifier, openReplyGrader, type ReplyGrader } from "./grade-reply.ts";

let opened = 0;
let closed = 0;
let printed = "";

/** A sandbox in which every program prints the same. */
const runner: CodeRunner = {
  backend: "bubblewrap",
  version: "0",
  isPartial: false,
  run: async () => ({ status: "ok", exitCode: 0, signal: null, stdout: printed, stderr: "", wallMs: 1 }),
  close: async () => void (closed += 1),
};

const open = (): ReplyGrader => {
  [opened, closed, printed] = [0, 0, ""];
  return openReplyGrader(new AbortController().signal, async () => {
    opened += 1;
    return runner;
  });
};
let grader = open();
afterEach(async () => {
  await grader.close();
  grader = open();
});

const countdown = families.countdown.generate(0, { seed: 0, difficulty: 2 });
const chain = families.arithmetic.generate(0, { seed: 0, difficulty: 3 });
/** A task whose tests are inputs and outputs. */
const program = Array.from({ length: 50 }, (_, i) => families.programming.generate(i, { seed: 0, difficulty: 1 })).find(
  ({ metadata }) => String(metadata.tests).includes('"stdin"'),
) as Question;

describe("a reply's grade", () => {
  it("is by the family's check, not by the stored answer", async () => {
    const [, target = "", listed = ""] =
      /comes to (\d+), made of the numbers ([\d, ]+) with/.exec(countdown.text) ?? [];
    const swapped = String(countdown.answer).replace(/\((.+?) \+ (.+?)\)/, "($2 + $1)");
    expect(await grader.grade(countdown, `Let me see.\n\nAnswer: ${swapped}`)).toEqual({
      outcome: "correct",
      extracted: swapped,
      rule: "answer-line/checked",
    });
    expect(await grader.grade({ ...countdown, answer: "7" }, `Answer: ${countdown.answer}`)).toMatchObject({
      outcome: "correct",
    });
    expect(await grader.grade(countdown, `Answer: ${target}`)).toMatchObject({ outcome: "incorrect" });
    expect(await grader.grade(countdown, `Answer: ${listed}`)).toMatchObject({ outcome: "answer_parse_error" });
    expect(await grader.grade({ ...countdown, metadata: {} }, "Answer: 1 + 1")).toMatchObject({
      outcome: "gold_error",
    });
    expect(opened).toBe(0);
  });

  it("of a chain of steps is read as it always was", async () => {
    expect(await grader.grade(chain, `Answer: ${chain.answer}`)).toEqual({
      outcome: "correct",
      extracted: chain.answer,
      rule: "answer-line/integer",
    });
  });

  it("of a program comes from a sandbox, opened once and closed", async () => {
    const { tests } = JSON.parse(String(program.metadata.tests)) as { tests: { expected: string }[] };
    const reply = `\`\`\`python\n${program.answer}\`\`\``;
    printed = tests[0]?.expected ?? "";
    const [first, second] = await Promise.all([grader.grade(program, reply), grader.grade(program, "no program")]);
    expect(first.outcome).toBe("incorrect"); // it passes the first test, and fails another
    expect(second).toMatchObject({ outcome: "no_answer", rule: "code/none/stdin" });
    expect(opened).toBe(1);
    await grader.close();
    expect(closed).toBe(1);
  });

  it("says gold_error of a program's question whose tests are gone or are not its own", async () => {
    for (const metadata of [{}, { ...program.metadata, tests: "[]" }, { ...program.metadata, tests: 5 }])
      expect(await grader.grade({ ...program, metadata } as Question, "print(1)")).toMatchObject({
        outcome: "gold_error",
      });
  });

  it("knows who can tell right from wrong", () => {
    for (const question of [countdown, chain, program]) {
      expect(hasVerifier(question)).toBe(true);
      expect(canGradeByRule({ ...question, answer: null })).toBe(true);
    }
    for (const family of ["file", "constructor", "__proto__"]) {
      expect(hasVerifier({ ...chain, family })).toBe(false);
      expect(canGradeByRule({ ...chain, family, answer: null })).toBe(false);
    }
  });
});
