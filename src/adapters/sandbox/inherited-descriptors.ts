import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { devNull } from "node:os";

/** The flag in /proc/self/fdinfo that says: closed when a program is started. */
const O_CLOEXEC = 0o2000000;

/**
 * Descriptors from `first` on that a child of this process would inherit, whoever opened them: a log, a socket, a lock of the
 * process that started us. Empty where there is no /proc.
 */
export function inheritedDescriptors(first: number): readonly number[] {
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((descriptor) => descriptor >= first && isInherited(descriptor));
  } catch {
    return []; // another platform; its sandboxes are partial anyway
  }
}

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    return false; // closed since the list was made
  }
}

/**
 * Calls `start` with what to put behind the first `first` entries of `stdio` so that a child has nothing of ours: the null device in
 * the place of each inherited descriptor.
 */
export function withNothingInherited<T>(first: number, start: (rest: readonly ("ignore" | number)[]) => T): T {
  const inherited = inheritedDescriptors(first);
  if (inherited.length === 0) return start([]);
  const nothing = openSync(devNull, "r+");
  try {
    const last = Math.max(...inherited);
    return start(
      Array.from({ length: last - first + 1 }, (_, n) => (inherited.includes(first + n) ? nothing : "ignore")),
    );
  } finally {
    closeSync(nothing);
  }
}
