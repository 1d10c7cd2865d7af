// How fast generated code is judged: start of a runner, one trivial program at a time, and HumanEval-shaped verdicts in parallel.
// node bench/sandbox.mjs [--backend bubblewrap] [--tasks 60] [--concurrency CORES] [--json]
import { randomBytes } from "node:crypto";
import { openCodeRunner } from "../dist/adapters/sandbox/open-code-runner.js";
import { DEFAULT_CODE_LIMITS as limits } from "../dist/grade/code/code-limits.js";
import { verifyCode } from "../dist/grade/code/verify-code.js";
import { cores, finish, flag, say } from "./figures.mjs";

const tasks = Number(flag("tasks") ?? 60);
const concurrency = Number(flag("concurrency") ?? cores);
const wanted = flag("backend");
const { signal } = new AbortController();
const options = { path: process.env.PATH, allowPartialSandbox: true, unsafeLocal: true, concurrency };

const spec = {
  kind: "function",
  prompt: 'def add(a, b):\n    """ The sum. """\n',
  entryPoint: "add",
  test: `def check(candidate):\n${Array.from({ length: 10 }, (_, n) => `    assert candidate(${n}, 1) == ${n + 1}\n`).join("")}`,
};
const trivial = { language: "python", files: { "main.py": "print(1)" }, stdin: "", limits };
const verify = (runner, reply) =>
  verifyCode({ spec, reply, runner, limits, nonce: randomBytes(32).toString("hex") }, signal);

/** Middle of an odd number of values, near enough for an even one. */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Start-up, one after the other, and many at once; 8 s of verdicts at most. */
async function measure(runner) {
  const times = [];
  for (let n = 0; n < 15; n++) {
    const start = performance.now();
    const { status } = await runner.run(trivial, signal);
    if (status !== "ok") throw new Error(`${runner.backend}: a trivial program ended with ${status}`);
    times.push(performance.now() - start);
  }
  const start = performance.now();
  let done = 0;
  let right = 0;
  const worker = async () => {
    while (done < tasks && performance.now() - start < 8000) {
      const isRight = done % 2 === 0;
      done += 1;
      const { outcome } = await verify(runner, isRight ? "    return a + b\n" : "    return a - b\n");
      if (outcome === (isRight ? "correct" : "incorrect")) right += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  if (right !== done) throw new Error(`${runner.backend}: ${done - right} of ${done} verdicts are wrong`);
  return { startMs: median(times), tasksPerSecond: done / ((performance.now() - start) / 1000) };
}

const figures = { concurrency };
for (const backend of ["bubblewrap", "container", "pyodide", "unsafe-local"]) {
  if (wanted !== undefined && wanted !== backend) continue;
  const start = performance.now();
  const runner = await openCodeRunner({ ...options, backend }, signal).catch((error) => say(`SKIP ${error.message}`));
  if (runner === undefined) continue;
  const openMs = performance.now() - start;
  say(`${backend}: ${runner.version}${runner.isPartial ? " (partial)" : ""}`);
  const { startMs, tasksPerSecond } = await measure(runner);
  await runner.close();
  const name = backend.replace("-local", "Local");
  Object.assign(figures, {
    [`${name}OpenMs`]: openMs,
    [`${name}StartMs`]: startMs,
    [`${name}TasksPerSecond`]: tasksPerSecond,
  });
}
finish("sandbox", figures);
