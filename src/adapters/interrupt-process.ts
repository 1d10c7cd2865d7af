import { type ProcessIdentity, processIdentity } from "./process-table.ts";

/** What came of an interruption: sent; or why it was not. */
export type Interruption = "sent" | "gone" | "elsewhere" | "not-known" | "denied";

/**
 * Interrupts a process as Ctrl-C does (SIGINT), and only the one that is meant: on this host, with this number, and begun when
 * its identity says. One whose birth nobody recorded, or this platform does not tell, is `not-known` and left alone; so is
 * this process itself.
 */
export function interruptProcess(identity: ProcessIdentity): Interruption {
  const { pid, host, birth } = identity;
  if (!Number.isSafeInteger(pid) || pid <= 1 || pid === process.pid) return "not-known";
  // Looked at last, with nothing to wait for before the signal: the number cannot have gone to another in between.
  const present = processIdentity(pid);
  if (present.host !== host) return "elsewhere";
  if (birth === "") return "not-known";
  if (present.birth !== birth) return "gone";
  try {
    process.kill(pid, "SIGINT");
    return "sent";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "denied" : "gone";
  }
}
