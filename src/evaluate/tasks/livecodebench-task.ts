/** @file LiveCodeBench: programs that read standard input, and functions that are called, with public and private tests. */
import type { CodeSpec } from "../../grade/code/code-spec.ts";
import { codeDraft } from "./code-draft.ts";
import { MAX_TESTS_LENGTH, type PackedTests, packTests, type StatedTest, unpackTests } from "./private-tests.ts";
import type { QuestionDraft, ReadContext, TaskDefinition } from "./task-definition.ts";
import { findField, metadataOf, optionalTextField, rowError, type TaskRow, textField } from "./task-row.ts";

/** What the platforms of the functional questions import before a solution. */
const PREAMBLE = [
  "import bisect, collections, datetime, functools, heapq, itertools, math, operator, random, re, string, sys",
  "from bisect import *",
  "from collections import *",
  "from functools import *",
  "from heapq import *",
  "from itertools import *",
  "from math import *",
  "from typing import *",
  "",
].join("\n");

const FIELDS = ["public_test_cases", "private_test_cases"] as const;

function readLiveCodeBench(row: TaskRow, context: ReadContext): QuestionDraft {
  const content = textField(row, ["question_content"]);
  const id = textField(row, ["question_id"]);
  const starter = optionalTextField(row, ["starter_code"]);
  const packed = FIELDS.flatMap((field) => packedField(row, field));
  const tests = unpackAll(packed, row, context);
  const { testtype } = tests[0] ?? {};
  if (testtype === undefined) throw rowError(row, FIELDS.join(" and "), "no tests at all");
  if (tests.some((test) => test.testtype !== testtype))
    throw rowError(row, FIELDS.join(" and "), "stdin and functional tests in one question");
  const entryPoint = testtype === "functional" ? functionName(row) : "";
  const bare: TaskRow = { number: row.number, values: {} };
  return codeDraft({
    identity: [id, content],
    prompt: promptOf(content, testtype, starter),
    metadata: {
      ...metadataOf(row, ["question_id", "platform", "contest_date", "difficulty", "question_title"]),
      tests: tests.length,
    },
    spec: () => specOf(unpackAll(packed, bare, context), entryPoint),
  });
}

interface PackedField {
  readonly field: string;
  readonly tests: PackedTests;
}

function packedField(row: TaskRow, field: string): PackedField[] {
  const found = findField(row, [field]);
  const isParsed = found !== undefined && typeof found.value === "object";
  const text = isParsed ? JSON.stringify(found.value) : optionalTextField(row, [field], MAX_TESTS_LENGTH);
  return text === "" ? [] : [{ field, tests: packTests(text, { row, field }) }];
}

function unpackAll(packed: readonly PackedField[], row: TaskRow, context: ReadContext): readonly StatedTest[] {
  return packed.flatMap(({ field, tests }) => unpackTests(tests, { row, field }, context));
}

/** Name of the function that functional tests call: `metadata.func_name`. */
function functionName(row: TaskRow): string {
  const found = findField(row, ["metadata"]);
  let metadata = found?.value;
  try {
    if (typeof metadata === "string") metadata = JSON.parse(metadata);
  } catch {
    throw rowError(row, "metadata", "no JSON");
  }
  const name =
    typeof metadata === "object" && metadata !== null ? (metadata as { func_name?: unknown }).func_name : null;
  if (typeof name === "string" && /^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(name)) return name;
  throw rowError(row, "metadata.func_name", "functional tests need the name of the function that they call");
}

function promptOf(content: string, kind: StatedTest["testtype"], starter: string): string {
  if (kind === "stdin")
    return `${content}\n\nWrite a Python program that reads standard input and writes the answer to standard output.`;
  return starter === ""
    ? `${content}\n\nWrite the function in Python.`
    : `${content}\n\nComplete this Python code:\n\n\`\`\`python\n${starter.trimEnd()}\n\`\`\``;
}

function specOf(tests: readonly StatedTest[], entryPoint: string): CodeSpec {
  if (entryPoint === "")
    return { kind: "stdin", tests: tests.map(({ input, output }) => ({ input, expected: output })) };
  return {
    kind: "calls",
    entryPoint,
    preamble: PREAMBLE,
    tests: tests.map(({ input, output }) => ({ args: input, expected: output })),
  };
}

/** LiveCodeBench's code generation; say which release, for example its test5.jsonl, by the data you give. */
export const livecodebench: TaskDefinition = {
  name: "livecodebench",
  aliases: ["lcb", "live-code-bench"],
  version: "1",
  promptVersion: "code-1",
  profile: "code",
  needs: ["codeRunner"],
  duplicates: "refuse",
  questions: null,
  source: "livecodebench.github.io; livecodebench/code_generation_lite on the hub, one JSONL file a release",
  licence: "code MIT; the set's card says cc; problem texts are LeetCode's, AtCoder's and Codeforces'",
  layouts: [
    "question_title, question_content, question_id, platform, contest_date, starter_code, difficulty, public_test_cases, private_test_cases, metadata",
  ],
  read: readLiveCodeBench,
};
