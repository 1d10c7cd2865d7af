import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CodeRunnerOptions } from "../../src/adapters/sandbox/open-code-runner.ts";
import { processTree } from "../../src/adapters/sandbox/process-tree.ts";
import { dropTo } from "../../src/adapters/sandbox/system-folders.ts";
import { DEFAULT_CODE_LIMITS } from "../../src/grade/code/code-limits.ts";
import { isFull, isRoot, me, USER } from "./full.ts";
import { pathWith } from "./path-with.ts";

const script = new URL("./runner-process.mjs", import.meta.url).pathname;
const columns = [
  ["bubblewrap", "bubblewrap", ["setpriv", "prlimit", "bwrap", "python3"]],
  ["pyodide in bubblewrap", "pyodide", ["setpriv", "prlimit", "bwrap"]],
  ["pyodide in unshare", "pyodide", ["setpriv", "prlimit", "unshare"]],
  ["pyodide alone", "pyodide", ["setpriv", "prlimit"]],
] as const;

/** Where the parents put their snapshots, which nobody removes when they are killed. */
let temporary = "";

/** Three processes that would run for a minute, one of them in a session of its own. */
const LINGERING = `import os, time
for n in range(2):
    try:
        if os.fork() == 0:
            if n == 0: os.setsid()
            time.sleep(60)
            os._exit(0)
    except OSError: pass
while True: pass
`;

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

async function waitUntil(isTrue: () => boolean): Promise<boolean> {
  for (let n = 0; n < 150 && !isTrue(); n++) await new Promise((resolve) => setTimeout(resolve, 100));
  return isTrue();
}

/** A process with an open runner, or the reason why there is none. */
async function startParent(options: CodeRunnerOptions, user: number | undefined): Promise<ChildProcess | string> {
  const command = [process.execPath, script, JSON.stringify(options)];
  const [file = "", ...args] = user === undefined ? command : [...dropTo("setpriv", user), ...command];
  const parent = spawn(file, args, {
    cwd: "/",
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  const head = JSON.parse(first.done ? '{"error": "no process"}' : first.value) as { error?: string };
  return head.error ?? parent;
}

describe.runIf(isFull && process.platform === "linux")("when Grappa is killed, so is every process of a run", () => {
  beforeAll(() => {
    temporary = mkdtempSync(join(tmpdir(), "grappa-killed-"));
    chmodSync(temporary, 0o777);
  });
  afterAll(() => rmSync(temporary, { recursive: true, force: true }));

  for (const [column, backend, programs] of columns) {
    // Pyodide takes seconds to open: as a second user only in unshare, whose processes are tied to the parent by setpriv.
    const hasSecond = isRoot && (backend === "bubblewrap" || column === "pyodide in unshare");
    for (const user of hasSecond ? [undefined, USER] : [undefined]) {
      const title = `${column}, ${user === undefined ? me : "as an ordinary user"}`;
      test(title, async () => {
        const path = await pathWith(...programs);
        if (path === undefined) return console.log(`SKIP ${title}: one of ${programs.join(", ")} is not on PATH`);
        const options = { backend, path, allowPartialSandbox: true, spares: 2, concurrency: 2 };
        const parent = await startParent(options, user);
        if (typeof parent === "string") return console.log(`SKIP ${title}: ${parent}`);
        const limits = { ...DEFAULT_CODE_LIMITS, wallMs: 120_000, cpuSeconds: 120 };
        const run = { language: "python", files: { "main.py": LINGERING }, stdin: "", limits };
        parent.stdin?.write(`${JSON.stringify({ id: 1, run })}\n`);
        const pid = parent.pid as number;
        // The parent, bwrap, its first process and Python's three; or one of Pyodide's at work, and a spare.
        const least = backend === "bubblewrap" ? 6 : 3;
        expect(await waitUntil(() => processTree(pid).length >= least)).toBe(true);
        await new Promise((resolve) => setTimeout(resolve, 1500));
        const processes = processTree(pid);
        console.log(`  ${title}: ${processes.length} processes before the kill`);
        process.kill(pid, "SIGKILL");
        await waitUntil(() => !processes.some(isAlive));
        expect(processes.filter(isAlive)).toEqual([]);
      }, 120_000);
    }
  }
});
