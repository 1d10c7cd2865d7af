// Where a training step of the demo's student spends its time: the kernels of a real step, timed one by one.
import { createWasmBackend } from "../dist/adapters/threads/create-backend.js";
import { initialTensors } from "../dist/student/parameters.js";
import { Trainer } from "../dist/student/trainer.js";
import { say } from "./figures.mjs";
import { batchIds, evenLengths, DEMO, sequencesOf, STEP_OPTIONS } from "./students.mjs";

const STEPS = 12;

/** Shares of the fastest of some steps by kernel, and what is not a kernel. */
export async function profileStep(figures, build) {
  const { backend, close } = await createWasmBackend({ threads: 1, memoryBytes: 2 ** 29, build });
  const run = backend.run.bind(backend);
  let times = new Map();
  backend.run = (name, ...args) => {
    const start = performance.now();
    run(name, ...args);
    const { ms, calls } = times.get(name) ?? { ms: 0, calls: 0 };
    times.set(name, { ms: ms + performance.now() - start, calls: calls + 1 });
  };
  const trainer = new Trainer(backend, { config: DEMO, tensors: initialTensors(DEMO, 0) });
  const batch = sequencesOf(batchIds(evenLengths(225)));
  let best = { ms: Number.POSITIVE_INFINITY, times };
  for (let step = 1; step <= STEPS; step++) {
    times = new Map();
    const start = performance.now();
    trainer.step(batch, { ...STEP_OPTIONS, step });
    const ms = performance.now() - start;
    if (ms < best.ms) best = { ms, times };
  }
  await close();
  say(`  a training step of the demo's student, 16 x 225 tokens, 1 thread: ${best.ms.toFixed(1)} ms`);
  const rows = [...best.times].sort(([, a], [, b]) => b.ms - a.ms);
  const kernels = rows.reduce((sum, [, { ms }]) => sum + ms, 0);
  for (const [name, { ms, calls }] of [...rows, ["other", { ms: best.ms - kernels, calls: 1 }]]) {
    const share = ms / best.ms;
    say(
      `    ${name.padEnd(20)} ${String(calls).padStart(4)} x ${ms.toFixed(2).padStart(8)} ms ${(100 * share).toFixed(1).padStart(5)} %`,
    );
    if (share >= 0.01) figures[`stepShare${name[0].toUpperCase()}${name.slice(1)}`] = share;
  }
}
