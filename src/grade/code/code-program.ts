/** @file What is run for each shape of tests: files and standard input. */
import type { CodeSpec, FunctionSpec, PlusSpec, StdinSpec } from "./code-spec.ts";
import { defines } from "./extract-code.ts";
import { BOUNDARY_SOURCE } from "./python/boundary-source.ts";
import { JUDGE_SOURCE } from "./python/judge-source.ts";
import { PROCESSES_SOURCE } from "./python/processes-source.ts";

/** A shape whose tests run in the sandbox, beside the tested code. */
export type JudgedSpec = Exclude<CodeSpec, StdinSpec>;

/** One program of a run. */
export interface CodeProgram {
  readonly files: Readonly<Record<string, string>>;
  readonly stdin: string;
}

const JUDGE = `${BOUNDARY_SOURCE}\n${PROCESSES_SOURCE}\n${JUDGE_SOURCE}`;

/**
 * The judge, the tested code beside it, and tests and nonce on standard input, which the judge reads when the tested code's process
 * is cut off from it. `callMs` is how long one call may take.
 */
export function judgedProgram(spec: JudgedSpec, code: string, secret: { nonce: string; callMs: number }): CodeProgram {
  const files = {
    "main.py": JUDGE,
    "candidate.py": testedCode(spec, code),
    "setup.py": spec.kind === "asserts" ? spec.setup : "",
  };
  return { files, stdin: JSON.stringify({ ...spec, nonce: secret.nonce, callSeconds: secret.callMs / 1000 }) };
}

/** Names that a reply should define, by which its blocks of code are told apart. */
export function wantedNames(spec: CodeSpec): readonly string[] {
  if (spec.kind === "stdin") return [];
  if (spec.kind === "calls") return [spec.entryPoint, "Solution"];
  if (spec.kind !== "asserts") return [spec.entryPoint];
  const called = spec.asserts
    .join("\n")
    .slice(0, 100_000)
    .matchAll(/\b([A-Za-z_]\w{0,100})\s*\(/g);
  return [...new Set([...called].map(([, name]) => name as string))];
}

function testedCode(spec: JudgedSpec, code: string): string {
  if (spec.kind === "asserts") return code;
  if (spec.kind === "calls") return `${spec.preamble}\n${code}`;
  return continued(spec, code);
}

/** A whole function after the prompt, whose imports and helpers it may use; or the body that the prompt lacks. */
function continued({ prompt, entryPoint }: FunctionSpec | PlusSpec, code: string): string {
  if (prompt.trim() === "") return code;
  if (defines(code, entryPoint)) return `${preludeOf(prompt, entryPoint)}\n${code}`;
  const lines = code.split("\n");
  const first = lines.find((line) => line.trim() !== "") ?? "";
  const body = /^\s/.test(first) ? lines : lines.map((line) => `    ${line}`);
  return `${prompt.trimEnd()}\n${untilDedent(body).join("\n")}\n`;
}

/** The prompt without the function that it leaves open. */
function preludeOf(prompt: string, entryPoint: string): string {
  const lines = prompt.split("\n");
  const opens = lines.map((line) => /^(?:async )?def (\w+)/.exec(line)?.[1] === entryPoint);
  const at = opens.lastIndexOf(true);
  return at < 0 ? prompt : lines.slice(0, at).join("\n");
}

/** A body ends where prose or a call at the margin begins; further definitions are kept. */
function untilDedent(lines: readonly string[]): readonly string[] {
  const end = lines.findIndex((line) => /^\S/.test(line) && !/^(?:def |class |import |from |@|#|\)|\]|\})/.test(line));
  return end < 0 ? lines : lines.slice(0, end);
}
