import { spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { CodeRun, CodeRunner, CodeRunResult } from "../../grade/code/code-runner.ts";
import { livecodebench } from "./livecodebench-task.ts";
import { readQuestions } from "./read-questions.ts";
import type { TaskQuestion } from "./task.ts";
import type { TaskRow } from "./task-row.ts";
import { rawMembers } from "../../adapters/datasets/raw-members.ts";
import { findTask } from "./tasks.ts";

const inflate = (bytes: Uint8Array, maxOutputLength: number): Uint8Array => inflateSync(bytes, { maxOutputLength });

/** Rows of a fixture as the JSONL reader gives them; `change` spoils one. */
function rowsOf(task: string, file: string, change: (values: Record<string, unknown>) => void = () => {}): TaskRow[] {
  const text = readFileSync(fileURLToPath(new URL(`../../../fixtures/tasks/${file}`, import.meta.url)), "utf8");
  const rawFields = findTask(task)?.rawFields ?? [];
  return text
    .trim()
    .split("\n")
    .map((line, at) => {
      const values = { ...(JSON.parse(line) as Record<string, unknown>), ...rawMembers(line, rawFields) };
      if (at === 0) change(values);
      return { number: at + 1, values };
    });
}

async function questionsOf(task: string, rows: readonly TaskRow[]): Promise<readonly TaskQuestion[]> {
  const definition = findTask(task);
  if (definition === undefined) throw new Error(`no task ${task}`);
  return (await readQuestions(definition, rows, { seed: 0, inflate })).map(({ question }) => question);
}

/** Runs our own fixtures with the machine's Python: no sandbox, and none needed for code that stands in this file. */
const pythonRunner: CodeRunner = {
  backend: "unsafe-local",
  version: "test",
  isPartial: true,
  run: (run) => runPython(run),
  close: async () => {},
};

async function runPython({ files, stdin }: CodeRun): Promise<CodeRunResult> {
  const folder = mkdtempSync(join(tmpdir(), "grappa-code-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return await new Promise((resolve, reject) => {
    const child = spawn("python3", ["main.py"], { cwd: folder, env: { PATH: process.env["PATH"] } });
    const out = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (out.stdout += String(chunk)));
    child.stderr.on("data", (chunk) => (out.stderr += String(chunk)));
    child.on("error", reject);
    child.on("close", (exitCode, signal) => {
      rmSync(folder, { recursive: true });
      resolve({ status: exitCode === 0 ? "ok" : "crash", exitCode, signal, ...out, wallMs: 1 });
    });
    child.stdin.end(stdin);
  });
}

const hasPython = await runPython({
  language: "python",
  files: { "main.py": "print(1)" },
  stdin: "",
  limits: {} as never,
})
  .then(({ stdout }) => stdout === "1\n")
  .catch(() => false);
if (!hasPython) console.log("skipped: code tasks against python3, which is not installed here");

const outcome = async (question: TaskQuestion | undefined, reply: string): Promise<string | undefined> => {
  const ports = { codeRunner: pythonRunner, drawNonce: () => "0123456789abcdef".repeat(4) };
  return (await question?.verify(`\`\`\`python\n${reply}\n\`\`\``, ports, new AbortController().signal))?.outcome;
};

const DOUBLE = "def twice(n):\n    return n + n";
const NOT_DOUBLE = "def twice(n):\n    return n + 1";

describe.skipIf(!hasPython)("replies against the tests of each layout", () => {
  it.each([
    [
      "humaneval",
      "humaneval.jsonl",
      0,
      "def add_up(numbers):\n    return sum(numbers)",
      "def add_up(numbers):\n    return 3",
    ],
    [
      "humaneval-plus",
      "humaneval-plus.jsonl",
      0,
      "def add_up(numbers):\n    return sum(numbers)",
      "def add_up(numbers):\n    return int(sum(numbers))", // right on the base inputs alone
    ],
    ["mbpp", "mbpp.jsonl", 0, DOUBLE, NOT_DOUBLE],
    ["mbpp", "mbpp-sanitized.jsonl", 0, DOUBLE, NOT_DOUBLE],
    ["mbpp-plus", "mbpp-plus.jsonl", 0, DOUBLE, NOT_DOUBLE],
    [
      "mbpp-plus",
      "mbpp-plus-inputs.jsonl",
      0,
      "def shared(a, b):\n    assert type(a) is tuple\n    return tuple(x for x in a if x in b)",
      "def shared(a, b):\n    return a",
    ],
    ["livecodebench", "livecodebench.jsonl", 0, "a, b = map(int, input().split())\nprint(a + b)", "print(5)"],
    [
      "livecodebench",
      "livecodebench.jsonl",
      1,
      "class Solution:\n    def scale(self, numbers: List[int], k: int) -> List[int]:\n        return [k * n for n in numbers]",
      "class Solution:\n    def scale(self, numbers, k):\n        return [3, 6]",
    ],
  ])("%s from %s, question %i", async (task, file, at, right, wrong) => {
    const question = (await questionsOf(task, rowsOf(task, file)))[at];
    expect(await outcome(question, right)).toBe("correct");
    expect(await outcome(question, wrong)).toBe("incorrect");
  });
});

describe("prompts", () => {
  it("are the bare stub for HumanEval, and text and tests for MBPP", async () => {
    const [humanEval] = await questionsOf("humaneval", rowsOf("humaneval", "humaneval.jsonl"));
    expect(humanEval?.prompt).toMatch(/^def add_up\(numbers: list\) -> int:\n {4}""" Add/);
    const [mbpp] = await questionsOf("mbpp", rowsOf("mbpp", "mbpp.jsonl"));
    expect(mbpp?.prompt).toBe(
      "Write a function to double a number.\n\nYour code should pass these tests:\n\nassert twice(2) == 4\nassert twice(0) == 0",
    );
  });

  it("of LiveCodeBench say how a program talks, or give the code to complete", async () => {
    const [stdin, functional] = await questionsOf("lcb", rowsOf("lcb", "livecodebench.jsonl"));
    expect(stdin?.prompt).toMatch(/^Read two integers.*\n\nWrite a Python program that reads standard input/);
    expect(stdin?.metadata).toMatchObject({ question_id: "made1_a", difficulty: "easy", tests: 3 });
    expect(functional?.prompt).toMatch(/```python\nclass Solution:\n {4}def scale\(.*\n```$/);
  });
});

it("without a sandbox a reply is unscored, not wrong", async () => {
  const [question] = await questionsOf("mbpp", rowsOf("mbpp", "mbpp.jsonl"));
  expect(await question?.verify(DOUBLE, {}, new AbortController().signal)).toMatchObject({ outcome: "unscored" });
});

describe("a bad row gives its number and field", () => {
  const packed = (text: string): string => deflateSync(Buffer.from(text, "binary")).toString("base64");
  it.each<[string, string, Record<string, unknown>, string | RegExp]>([
    ["humaneval", "humaneval.jsonl", { test: undefined }, "field test: missing"],
    ["humaneval", "humaneval.jsonl", { test: "assert True" }, "field test: defines no check(candidate)"],
    ["humaneval", "humaneval.jsonl", { entry_point: "a b" }, 'field entry_point: "a b" is no name'],
    ["humaneval", "humaneval.jsonl", { prompt: "" }, "field prompt: empty"],
    [
      "humaneval-plus",
      "humaneval-plus.jsonl",
      { plus_input: "[[1], [2" },
      "field plus_input: no list of argument lists",
    ],
    [
      "humaneval-plus",
      "humaneval-plus.jsonl",
      { base_input: [[1]] },
      "field base_input: inputs are read from EvalPlus' own",
    ],
    ["humaneval-plus", "humaneval-plus.jsonl", { base_input: "[]", plus_input: "[]" }, "no inputs at all"],
    ["humaneval-plus", "humaneval-plus.jsonl", { atol: -1 }, "field atol"],
    ["mbpp", "mbpp.jsonl", { test_list: [] }, "field test_list: no tests"],
    ["mbpp", "mbpp.jsonl", { test_list: "assert" }, "field test_list: no JSON"],
    ["mbpp", "mbpp.jsonl", { test_list: [1] }, "field test_list[0]: expected text, found a number"],
    ["mbpp", "mbpp.jsonl", { task_id: "x" }, 'field task_id: "x" is no number'],
    ["livecodebench", "livecodebench.jsonl", { question_content: null }, "field question_content: missing"],
    [
      "livecodebench",
      "livecodebench.jsonl",
      { private_test_cases: "%%" },
      "field private_test_cases: neither a JSON list nor base64",
    ],
    [
      "livecodebench",
      "livecodebench.jsonl",
      { private_test_cases: "AAAA" },
      /field private_test_cases: no zlib stream/,
    ],
    [
      "livecodebench",
      "livecodebench.jsonl",
      { private_test_cases: packed("\x80\x04\x8c\x02os\x8c\x06system\x93.") },
      "not a pickle of one text: a second text",
    ],
    [
      "livecodebench",
      "livecodebench.jsonl",
      { private_test_cases: packed("\x80\x04\x8c\x01{.") },
      "the tests are not JSON",
    ],
    [
      "livecodebench",
      "livecodebench.jsonl",
      { private_test_cases: '[{"input": 1}]' },
      "field private_test_cases[0]: expected the texts",
    ],
    [
      "livecodebench",
      "livecodebench.jsonl",
      { private_test_cases: '[{"input": "", "output": "", "testtype": "functional"}]' },
      "stdin and functional tests in one question",
    ],
    ["livecodebench", "livecodebench.jsonl", { public_test_cases: "[]", private_test_cases: "" }, "no tests at all"],
    [
      "livecodebench",
      "livecodebench.jsonl",
      { public_test_cases: '[{"input": "1", "output": "1", "testtype": "functional"}]', private_test_cases: "[]" },
      "field metadata.func_name",
    ],
  ])("%s %s %j", async (task, file, change, message) => {
    const rows = rowsOf(task, file, (values) => Object.assign(values, change));
    await expect(questionsOf(task, rows)).rejects.toMatchObject({
      code: "record-invalid",
      message: typeof message === "string" ? expect.stringContaining(message) : expect.stringMatching(message),
      data: { row: 1 },
    });
  });
});

it("says how much tests may inflate to", async () => {
  const asked: number[] = [];
  const refusing = (_bytes: Uint8Array, maxBytes: number): never => {
    asked.push(maxBytes);
    throw new Error("too large");
  };
  const read = readQuestions(livecodebench, rowsOf("lcb", "livecodebench.jsonl"), { seed: 0, inflate: refusing });
  await expect(read).rejects.toMatchObject({
    message: "row 1, field private_test_cases: no zlib stream of at most 419430400 bytes: too large",
  });
  expect(asked).toEqual([400 * 1024 * 1024]);
});
