/**
 * @file Every process of a job on this machine, told by a variable that they inherit: PyTorch's agent gives each of its workers
 * a session of its own, and when the agent is killed nothing else ties them to the job.
 */
import { readdirSync, readFileSync } from "node:fs";

/** The variable that marks them; its value is the job's and no other's. */
export const JOB_MARK = "GRAPPA_JOB_MARK";

/**
 * Ids of living processes with this mark. Linux alone: none where there is no /proc.
 *
 * @param mark hexadecimal digits
 */
export function markedProcesses(mark: string): readonly number[] {
  const wanted = Buffer.from(`\0${JOB_MARK}=${mark}\0`);
  return processIds().filter((pid) => {
    try {
      const environment = Buffer.concat([Buffer.from("\0"), readFileSync(`/proc/${pid}/environ`)]);
      return environment.includes(wanted); // empty for one that has ended and waits for its parent
    } catch {
      return false; // gone meanwhile, or another user's
    }
  });
}

function processIds(): readonly number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Sends a signal; silent where the process, or the group (a negative number), is gone. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return; // gone
  }
}
