/**
 * @file The processes that came from one, and the memory they hold together, as Linux's /proc tells. In a process namespace
 * orphans go to its first process, so every one of them stays below whoever made the namespace.
 */
import { readdirSync, readFileSync } from "node:fs";

/** More are not looked at; a run's limit is far below. */
const MAX_PROCESSES = 4096;

/** Process ids of `root` and of all that came from it, as far as they live. Only `root` where there is no /proc. */
export function processTree(root: number): readonly number[] {
  const found = [root];
  for (let at = 0; at < found.length && found.length < MAX_PROCESSES; at++) {
    const tasks = `/proc/${found[at]}/task`;
    // A child stands with the thread that started it.
    for (const thread of orNothing(() => readdirSync(tasks), [])) {
      const children = orNothing(() => readFileSync(`${tasks}/${thread}/children`, "utf8"), "");
      for (const child of children.split(" ")) if (child !== "") found.push(Number(child));
    }
  }
  return found;
}

/**
 * Bytes of memory that these processes hold beside the files they map; pages that a fork has not written to yet count for both
 * sides. 0 where there is no /proc. What no process maps, such as an unmapped memfd, is not seen.
 */
export function residentBytes(processes: readonly number[]): number {
  let kilobytes = 0;
  for (const process of processes) {
    const status = orNothing(() => readFileSync(`/proc/${process}/status`, "utf8"), "");
    for (const [, size] of status.matchAll(/^Rss(?:Anon|Shmem):\s*(\d+) kB$/gm)) kilobytes += Number(size);
  }
  return kilobytes * 1024;
}

/** A process may end while we look at it. */
function orNothing<T>(read: () => T, nothing: T): T {
  try {
    return read();
  } catch {
    return nothing;
  }
}
