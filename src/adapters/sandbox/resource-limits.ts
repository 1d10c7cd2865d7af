import type { CodeLimits } from "../../grade/code/code-runner.ts";

/**
 * prlimit's flags for a run, but for the number of processes, which holds only inside a user namespace. The second of grace on
 * CPU time lets a program end by the signal that names the reason.
 */
export function resourceLimits(limits: CodeLimits): string[] {
  const { memoryBytes, cpuSeconds, fileBytes } = limits;
  return [
    `--as=${memoryBytes}`,
    `--cpu=${cpuSeconds}:${cpuSeconds + 1}`,
    `--fsize=${fileBytes}`,
    "--nofile=256",
    "--core=0",
  ];
}
