/** @file From how a process ended to how a run ended. */
import type { CodeLimits, CodeRunResult, CodeRunStatus } from "../../grade/code/code-runner.ts";
import type { ProcessEnd } from "./bounded-process.ts";

const SIGNALS: Readonly<Record<number, string>> = {
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
  24: "SIGXCPU",
  25: "SIGXFSZ",
};

/** The result of a run whose sandbox itself worked. A shell's 128 + n stands for signal n. */
export function resultOf(end: ProcessEnd, limits: CodeLimits): CodeRunResult {
  const named = end.exitCode !== null && end.exitCode > 128 ? SIGNALS[end.exitCode - 128] : undefined;
  const signal = end.signal ?? named ?? null;
  const { stdout, stderr, exitCode, wallMs } = end;
  return { status: statusOf(end, signal, limits), exitCode, signal, stdout, stderr, wallMs };
}

/** A run that says nothing of the program, and why. */
export function sandboxError(end: ProcessEnd, why: string): CodeRunResult {
  const { exitCode, signal, wallMs } = end;
  return { status: "sandbox_error", exitCode, signal, stdout: "", stderr: why.slice(0, 2000), wallMs };
}

function statusOf(end: ProcessEnd, signal: string | null, limits: CodeLimits): CodeRunStatus {
  if (end.cause === "timeout" || signal === "SIGXCPU") return "timeout";
  if (end.cause === "output_limit") return "output_limit";
  if (end.cause === "memory_limit") return "oom";
  if (end.cause === "failed") return "sandbox_error";
  if (end.exitCode === 0) return "ok";
  // A program that ignores SIGXCPU is killed a second later.
  if (signal === "SIGKILL" && end.wallMs >= limits.cpuSeconds * 1000) return "timeout";
  // The kernel kills what has used up the machine's memory; Python says so itself where a limit of its own was reached.
  if (signal === "SIGKILL" || /^MemoryError\b/m.test(end.stderr.slice(-2000))) return "oom";
  return "crash";
}
