/** @file Families about programs against a real Python, where this machine has one. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { openCodeRunner } from "../src/adapters/sandbox/open-code-runner.ts";
import { openReplyGrader } from "../src/pipeline/stages/grade-reply.ts";
import { families } from "../src/questions/families.ts";

const found = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" });
const python = found.status === 0 ? found.stdout.trim() : undefined;

/** Runs all programs in one process; what each printed, or its error. */
function runAll(programs: readonly string[]): string[] {
  const driver = `
import contextlib, io, json, sys
printed = []
for program in json.load(sys.stdin):
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(program, {})
        printed.append(out.getvalue().strip())
    except Exception as error:
        printed.append(repr(error))
print(json.dumps(printed))
`;
  const { stdout } = spawnSync(python as string, ["-I", "-c", driver], {
    input: JSON.stringify(programs),
    encoding: "utf8",
  });
  return JSON.parse(stdout) as string[];
}

const levels = [1, 2, 3, 4, 5] as const;

describe.runIf(python !== undefined)("with Python", () => {
  test("program-trace's interpreter prints what Python prints", () => {
    const questions = levels.flatMap((difficulty) =>
      Array.from({ length: 80 }, (_, index) => families["program-trace"].generate(index, { seed: 9, difficulty })),
    );
    const programs = questions.map(({ text }) => /```python\n([^]*?)\n```/.exec(text)?.[1] ?? "");
    expect(runAll(programs)).toEqual(questions.map(({ answer }) => answer));
  });

  test("programming's reference solutions pass their hidden tests, and spoilt ones do not", async () => {
    const open = async () =>
      await openCodeRunner({ backend: "unsafe-local", unsafeLocal: true, python: python as string });
    const grader = openReplyGrader(new AbortController().signal, open);
    try {
      for (const difficulty of levels) {
        for (let index = 0; index < 4; index++) {
          const question = families.programming.generate(index, { seed: 2, difficulty });
          const outcomeOf = async (code: string): Promise<string> =>
            (await grader.grade(question, `Here it is.\n\n\`\`\`python\n${code}\n\`\`\``)).outcome;
          const answer = question.answer ?? "";
          expect([question.text, await outcomeOf(answer)]).toEqual([question.text, "correct"]);
          // Without its first operation, and with a result that is always the same.
          const shorter = answer.replace(/\n {4}numbers = .*/, "");
          expect([shorter, await outcomeOf(shorter)]).toEqual([shorter, "incorrect"]);
          expect(await outcomeOf(answer.replace(/\n {4}return .*/, "\n    return 0"))).toBe("incorrect");
        }
      }
    } finally {
      await grader.close();
    }
  });
});
