// The arithmetic ceiling: multiply-adds in registers (assembly/peak.ts) on one or several threads at once. Threads claim
// chunks from a shared counter, as the kernels' pool does, so that a thread which loses its core slows both alike.
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const FLOPS_PER_ITERATION = 96;
const CHUNKS_PER_THREAD = 12;
const WORD = { generation: 0, awake: 1, go: 2, next: 16, done: 32, chunks: 33, iterations: 34, left: 48 };

function instantiate(build) {
  const file = new URL(`../dist/engine/kernels/wasm/kernels-${build}.wasm`, import.meta.url);
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true });
  return new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), { env: { memory } }).exports.peak;
}

function claim(words, peak) {
  while (Atomics.add(words, WORD.next, 1) < words[WORD.chunks]) {
    peak(words[WORD.iterations]);
    Atomics.add(words, WORD.done, 1);
  }
}

// A helper sleeps between runs, so that it takes nothing from what is measured in turn with the ceiling.
if (!isMainThread && workerData?.isPeakHelper) {
  const { words, build } = workerData;
  const peak = instantiate(build);
  parentPort.postMessage("ready");
  for (let seen = 0; ; seen++) {
    Atomics.wait(words, WORD.generation, seen);
    Atomics.add(words, WORD.awake, 1);
    while (Atomics.load(words, WORD.go) === seen);
    claim(words, peak);
    Atomics.add(words, WORD.left, 1);
  }
}

/** `run(flops)` computes that many on `threads` threads and returns GFLOP/s; once all of them are awake. */
export async function openPeak(build, threads) {
  const words = new Int32Array(new SharedArrayBuffer(256));
  const peak = instantiate(build);
  const helpers = [];
  for (let i = 1; i < threads; i++) {
    const helper = new Worker(new URL(import.meta.url), { workerData: { isPeakHelper: true, words, build } });
    await new Promise((resolve) => helper.once("message", resolve));
    helpers.push(helper);
  }
  const run = (flops) => {
    words[WORD.chunks] = CHUNKS_PER_THREAD * threads;
    words[WORD.iterations] = Math.ceil(flops / FLOPS_PER_ITERATION / words[WORD.chunks]);
    words[WORD.done] = 0;
    words[WORD.next] = 0;
    words[WORD.left] = 0;
    Atomics.store(words, WORD.awake, 0);
    Atomics.add(words, WORD.generation, 1);
    Atomics.notify(words, WORD.generation);
    while (Atomics.load(words, WORD.awake) < helpers.length);
    const start = performance.now();
    Atomics.add(words, WORD.go, 1);
    claim(words, peak);
    while (Atomics.load(words, WORD.done) < words[WORD.chunks]);
    const ms = performance.now() - start;
    // A helper that still looked for chunks would take the next run's.
    while (Atomics.load(words, WORD.left) < helpers.length);
    return (words[WORD.chunks] * words[WORD.iterations] * FLOPS_PER_ITERATION) / ms / 1e6;
  };
  return { run, close: () => Promise.all(helpers.map((helper) => helper.terminate())) };
}
