import { randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { type CodeRunnerOptions, openCodeRunner } from "../../src/adapters/sandbox/open-code-runner.ts";
import { SYSTEM_PATH } from "../../src/adapters/sandbox/sandbox.ts";
import { DEFAULT_CODE_LIMITS } from "../../src/grade/code/code-limits.ts";
import type { CodeRunner } from "../../src/grade/code/code-runner.ts";
import type { CodeSpec, FunctionSpec } from "../../src/grade/code/code-spec.ts";
import { verifyCode } from "../../src/grade/code/verify-code.ts";
import { FORGERIES } from "./forgeries.ts";
import { isFull, isRoot, me, USER } from "./full.ts";
import { callTasks, functionTasks, type GeneratedTask, plusTasks, stdinTasks } from "./generated-tasks.ts";
import { runnerAs } from "./runner-as.ts";

const path = process.env["PATH"] ?? SYSTEM_PATH;
const signal = new AbortController().signal;
const open = (options: CodeRunnerOptions): Promise<CodeRunner | string> =>
  openCodeRunner({ path, ...options }, signal).catch((error: Error) => error.message);

/** Which runners judge; `isSlow`: half a second a run, so that there are fewer tasks, and only with `npm run test:sandbox`. */
interface Column {
  readonly name: string;
  readonly isSlow?: true;
  open(): Promise<CodeRunner | string>;
}
const QUICK: readonly Column[] = [
  { name: `bubblewrap, ${me}`, open: () => open({ backend: "bubblewrap" }) },
  { name: "container", open: () => open({ backend: "container" }) },
];
const FULL: readonly Column[] = [
  {
    name: "bubblewrap, as an ordinary user",
    open: async () => (isRoot ? await runnerAs(USER, { backend: "bubblewrap", path }) : "these tests are one already"),
  },
  { name: `unsafe-local, ${me}`, open: () => open({ backend: "unsafe-local", unsafeLocal: true }) },
  { name: `pyodide, ${me}`, isSlow: true, open: () => open({ backend: "pyodide", allowPartialSandbox: true }) },
];
const limits = { ...DEFAULT_CODE_LIMITS, wallMs: 8000 };
const fenced = (code: string): string => `Here it is.\n\`\`\`python\n${code}\n\`\`\``;

const withOneMutant = (task: GeneratedTask): GeneratedTask => ({ ...task, mutants: task.mutants.slice(0, 1) });

/** HumanEval- and stdin-shaped, and one each of the others. */
const fewTasks = (): readonly GeneratedTask[] =>
  [...functionTasks(7), ...stdinTasks(7), ...callTasks(7).slice(0, 1), ...plusTasks(7).slice(1, 2)].map(withOneMutant);

const ADD: FunctionSpec = {
  kind: "function",
  prompt: 'import math\n\ndef add(a, b):\n    """ The sum. """\n',
  entryPoint: "add",
  test: "def check(candidate):\n    assert candidate(1, 2) == 3\n    try:\n        assert candidate(2, 2) == 4\n    except ZeroDivisionError:\n        pass\n    assert [candidate(0, 0)] == [0]\n",
};

for (const column of isFull ? [...QUICK, ...FULL] : QUICK) {
  const opened = await column.open();
  if (typeof opened === "string") console.log(`SKIP ${column.name}: ${opened}`);
  describe.skipIf(typeof opened === "string")(column.name, () => {
    const runner = opened as CodeRunner;
    afterAll(() => runner.close());
    const verdict = (spec: CodeSpec, code: string) =>
      verifyCode({ spec, reply: fenced(code), runner, limits, nonce: randomBytes(32).toString("hex") }, signal);

    test("generated tasks: the solution is correct, each mutant is not", async () => {
      const all = [...functionTasks(7), ...stdinTasks(7), ...callTasks(7), ...plusTasks(7)];
      const tasks = column.isSlow ? fewTasks() : isFull ? all : all.map(withOneMutant);
      const outcomes = await Promise.all(
        tasks.map(async ({ spec, solution, mutants }) => {
          expect(await verdict(spec, solution)).toMatchObject({ outcome: "correct" });
          for (const mutant of mutants) {
            const { outcome, explanation } = await verdict(spec, mutant);
            expect(outcome, mutant).toBe("incorrect");
            expect(explanation).not.toBe("");
          }
          return mutants.length;
        }),
      );
      const wrong = outcomes.reduce((sum, count) => sum + count, 0);
      console.log(`= ${column.name}: ${tasks.length} solutions correct, ${wrong} mutants incorrect`);
      expect(tasks.length).toBeGreaterThan(9);
    }, 300_000);

    test("what MBPP's asserts do: classes of the reply, callbacks, generators, changed arguments, tuples and sets", async () => {
      const spec: CodeSpec = {
        kind: "asserts",
        setup: "import math\nroot = Pair(1, 2)",
        asserts: [
          "assert first([Pair(1, 2), root]) == (1, 1)",
          "assert list(upto(3)) == [0, 1, 2]",
          "assert apply(lambda x: x + 1, 3) == 4",
          "assert math.isclose(area(1), math.pi)",
          "items = [3, 1]\nsort(items)\nassert items == [1, 3]",
          "assert isinstance(Pair(1, 2), Pair) and root.b == 2",
          "assert bag() == {1, 2} and table() == {(1, 2): 'x', 'n': None}",
          "assert big() == 10 ** 5000 and raw() == b'ab' and whole() == 2.0",
        ],
      };
      const code =
        "class Pair:\n    def __init__(self, a, b): self.a, self.b = a, b\ndef first(pairs): return tuple(p.a for p in pairs)\ndef upto(n): yield from range(n)\ndef apply(f, x): return f(x)\ndef area(r): return math.pi * r * r\ndef sort(items): items.sort()\ndef bag(): return {2, 1}\ndef table(): return {(1, 2): 'x', 'n': None}\ndef big(): return 10 ** 5000\ndef raw(): return bytearray(b'ab')\ndef whole(): return 2";
      expect(await verdict(spec, code)).toMatchObject({ outcome: "correct", explanation: "all tests passed" });
      expect(await verdict(spec, code.replace("x + 1", "x"))).toMatchObject({ outcome: "correct" }); // not the code's x
      expect(await verdict(spec, code.replace("return f(x)", "return f(f(x))"))).toMatchObject({
        outcome: "incorrect",
        explanation: "`assert apply(lambda x: x + 1, 3) == 4`: AssertionError",
      });
    }, 60_000);

    test("a call that does not return is a timeout; what does not load, or defines nothing, is wrong", async () => {
      const quick = { ...limits, wallMs: 1500, cpuSeconds: 3 };
      const timed = (code: string) =>
        verifyCode({ spec: ADD, reply: fenced(code), runner, limits: quick, nonce: "ab".repeat(32) }, signal);
      expect(await timed("def add(a, b):\n    while True: pass")).toMatchObject({ outcome: "timeout" });
      expect(await verdict(ADD, "def add(a, b) return 3")).toMatchObject({ outcome: "incorrect" });
      expect((await verdict({ ...ADD, prompt: "" }, "def plus(a, b): return a + b")).explanation).toContain(
        "add is not defined",
      );
      expect(await verdict({ ...ADD, test: "def check(candidate) pass" }, "def add(a, b): return a + b")).toMatchObject(
        {
          outcome: "gold_error",
        },
      );
    }, 60_000);

    test("forgeries are called wrong", async () => {
      expect(await verdict(ADD, "def add(a, b): return a + b")).toMatchObject({ outcome: "correct" });
      const rows = await Promise.all(
        FORGERIES.map(async ({ name: forgery, code, passesTogether }) => {
          const { outcome, explanation } = await verdict(ADD, code);
          const expected = passesTogether && runner.backend === "pyodide" ? "correct" : "not correct";
          return { forgery, expected, observed: outcome === "correct" ? "correct" : "not correct", explanation };
        }),
      );
      console.log(
        rows.map((row) => `  ${row.forgery.padEnd(50)} ${row.observed.padEnd(12)} ${row.explanation}`).join("\n"),
      );
      const passed = rows.filter(({ observed }) => observed === "correct").length;
      console.log(`= ${column.name}: ${rows.length - passed} forgeries called wrong, ${passed} passed`);
      expect(rows.filter(({ expected, observed }) => expected !== observed)).toEqual([]);
    }, 300_000);
  });
}
