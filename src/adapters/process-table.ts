import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** Who holds a lock: a process of a machine, told apart from a later process that got the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in a form that only this platform understands; empty where it cannot be known. */
  readonly birth: string;
}

/** Which processes live. */
export interface ProcessTable {
  readonly self: ProcessIdentity;
  /** False only when the process is known to be gone: on another machine nobody can tell, and that counts as alive. */
  isAlive(identity: ProcessIdentity): boolean;
}

/** What tells a process of this machine apart from a later one with its number. */
export function processIdentity(pid: number): ProcessIdentity {
  return { pid, host: hostname(), birth: birthOf(pid) };
}

/** The processes of this machine. */
export function nodeProcessTable(): ProcessTable {
  const host = hostname();
  return {
    self: processIdentity(process.pid),
    isAlive: (identity) => {
      if (identity.host !== host) return true;
      if (!responds(identity.pid)) return false;
      if (isEnded(identity.pid)) return false;
      const birth = birthOf(identity.pid);
      return birth === "" || identity.birth === "" || birth === identity.birth;
    },
  };
}

function responds(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it lives, and belongs to somebody else
  }
}

/** Fields of a process on Linux from its state on; the name before it may hold spaces and brackets. */
function statFields(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Whether a process has been killed and only waits for its parent to notice: it answers to signals, and does nothing. */
function isEnded(pid: number): boolean {
  try {
    return ["Z", "X"].includes(statFields(pid)[0] ?? "");
  } catch {
    return false; // no /proc on this platform
  }
}

/** Linux: boot id and start time in ticks, so that a recycled number is seen for what it is. Elsewhere unknown. */
function birthOf(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}/${statFields(pid)[19] ?? ""}`; // when it began, in ticks
  } catch {
    return ""; // no /proc on this platform: the number alone must do
  }
}
