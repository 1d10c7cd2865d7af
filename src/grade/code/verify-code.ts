/** @file The verdict on a reply that holds a program. Never from an exit status: code that leaves early has one of 0 as well. */
import { invariant } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import type { Verdict } from "../../schema/evaluation.ts";
import { judgedProgram, type JudgedSpec, wantedNames } from "./code-program.ts";
import type { CodeLimits, CodeRunner, CodeRunResult } from "./code-runner.ts";
import type { CodeSpec, StdinSpec } from "./code-spec.ts";
import { differingLine } from "./compare-output.ts";
import { extractCode } from "./extract-code.ts";
import { type CodeFinding, readJudgement } from "./judgement.ts";

/** Raised whenever the same reply could get another verdict; stands in every evaluation log. */
export const CODE_GRADER_VERSION = "code-1";

/** One reply to verify. */
export interface CodeVerification {
  readonly spec: CodeSpec;
  readonly reply: string;
  readonly runner: CodeRunner;
  /** Of one program. A call or one input of standard input may take `wallMs`; several in one program share ten times that. */
  readonly limits: CodeLimits;
  /** At least 32 hex digits drawn anew for this verification, which the tested code cannot guess. */
  readonly nonce: string;
}

/** Extracts the program, runs it with its tests, says what came of it. Rejects only when aborted. */
export async function verifyCode(verification: CodeVerification, signal: AbortSignal): Promise<Verdict> {
  const { spec, reply } = verification;
  invariant(/^[0-9a-f]{32,}$/.test(verification.nonce), "a nonce has at least 32 hex digits");
  const found = extractCode(reply, wantedNames(spec));
  const none = { extracted: null, canonical: null, flexible: null };
  if (found.status === "none") {
    return { ...none, outcome: "no_answer", rule: `code/none/${spec.kind}`, explanation: "the reply holds no program" };
  }
  if (found.status === "too-long") {
    return { ...none, outcome: "answer_limit", rule: `code/none/${spec.kind}`, explanation: "the program is too long" };
  }
  const { code, rule } = found;
  const finding =
    spec.kind === "stdin"
      ? await findByOutput(verification, spec, code, signal)
      : await findByJudge(verification, spec, code, signal);
  return {
    ...finding,
    extracted: code,
    canonical: shortHash(code.trim()),
    rule: `code/${rule}/${spec.kind}`,
    flexible: null,
  };
}

/** Runs of one program in the time of several; ten at most, so that hundreds of tests do not make an hour. */
const MAX_SHARES = 10;

async function findByJudge(
  { runner, limits, nonce }: CodeVerification,
  spec: JudgedSpec,
  code: string,
  signal: AbortSignal,
): Promise<CodeFinding> {
  const calls = spec.kind === "calls" ? spec.tests.length : spec.kind === "plus" ? spec.inputs.length : 1;
  const shares = Math.min(Math.max(calls, 1), MAX_SHARES);
  const program = judgedProgram(spec, code, { nonce, callMs: limits.wallMs });
  const shared = { ...limits, wallMs: limits.wallMs * shares, cpuSeconds: limits.cpuSeconds * shares };
  const result = await runner.run({ language: "python", ...program, limits: shared }, signal);
  return readJudgement(result, spec, nonce) ?? findingWithoutVerdict(result);
}

/** One input after the other, up to the first that fails; the program sees no expected output. */
async function findByOutput(
  { runner, limits }: CodeVerification,
  spec: StdinSpec,
  code: string,
  signal: AbortSignal,
): Promise<CodeFinding> {
  for (const [index, { input, expected }] of spec.tests.entries()) {
    const files = { "main.py": code };
    const result = await runner.run({ language: "python", files, stdin: input, limits }, signal);
    const name = `test ${index + 1} of ${spec.tests.length}`;
    if (result.status !== "ok") return prefixed(name, findingWithoutVerdict(result));
    const line = differingLine(result.stdout, expected);
    if (line === 0) return incorrect(`${name}: the number of lines printed differs`);
    if (line !== undefined) return incorrect(`${name}: line ${line} of the output differs`);
  }
  return { outcome: "correct", explanation: `all ${spec.tests.length} tests passed` };
}

const incorrect = (explanation: string): CodeFinding => ({ outcome: "incorrect", explanation });

const prefixed = (name: string, { outcome, explanation }: CodeFinding): CodeFinding => ({
  outcome,
  explanation: `${name}: ${explanation}`,
});

/** What the end of a run says where no verdict was reached. */
function findingWithoutVerdict({ status, exitCode, signal, stderr, wallMs }: CodeRunResult): CodeFinding {
  const last = (stderr.trim().split("\n").at(-1) ?? "").slice(0, 300);
  if (status === "sandbox_error") return { outcome: "unscored", explanation: `the sandbox failed: ${last}` };
  if (status === "timeout") return { outcome: "timeout", explanation: `no end after ${(wallMs / 1000).toFixed(1)} s` };
  if (status === "oom") return incorrect(`out of memory, or killed${last === "" ? "" : `: ${last}`}`);
  if (status === "output_limit") return incorrect("it printed more than the limit");
  if (status === "ok") return incorrect("the program ended before its tests did");
  return incorrect(`it ended with ${signal ?? `exit status ${exitCode}`}${last === "" ? "" : `: ${last}`}`);
}
