import type { CodeLimits } from "./code-runner.ts";

/**
 * Limits of one program where a task names none. 10 s is twice EvalPlus' floor of 4 s and over LiveCodeBench's 6 s, as the start of
 * a sandbox counts; processes leave room for a program's own few, not for a storm.
 */
export const DEFAULT_CODE_LIMITS: CodeLimits = {
  wallMs: 10_000,
  cpuSeconds: 10,
  memoryBytes: 1 << 30,
  processes: 32,
  fileBytes: 16 << 20,
  outputBytes: 1 << 20,
};
