import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { CodeRunnerOptions } from "../../src/adapters/sandbox/open-code-runner.ts";
import type { CodeRunner, CodeRunResult } from "../../src/grade/code/code-runner.ts";

/** A code runner in a process of this user, or the reason why there is none. Needs root, setpriv and a built dist/. */
export async function runnerAs(uid: number, options: CodeRunnerOptions): Promise<CodeRunner | string> {
  const script = new URL("./runner-process.mjs", import.meta.url).pathname;
  const drop = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"];
  const child = spawn("setpriv", [...drop, process.execPath, script, JSON.stringify(options)], {
    cwd: "/",
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.on("error", () => undefined);
  const waiting = new Map<number, (result: CodeRunResult) => void>();
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) return `no process of user ${uid} can be started from ${script}`;
  const head = JSON.parse(first.value) as CodeRunner & { error?: string };
  if (head.error !== undefined) return head.error;
  const listening = (async () => {
    for (let line = await lines.next(); !line.done; line = await lines.next()) {
      const { id, result } = JSON.parse(line.value) as { id: number; result: CodeRunResult };
      waiting.get(id)?.(result);
    }
  })();
  let count = 0;
  return {
    ...head,
    run: (run) =>
      new Promise((resolve) => {
        count += 1;
        waiting.set(count, resolve);
        child.stdin.write(`${JSON.stringify({ id: count, run })}\n`);
      }),
    close: async () => {
      child.stdin.end();
      await listening;
    },
  };
}
