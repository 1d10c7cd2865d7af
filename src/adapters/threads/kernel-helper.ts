/** @file A helper thread's life: wait for a command, compute ranges of it, wait again. Started by `kernel-pool.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../../core/errors.ts";
import { KERNEL_NAMES } from "../../engine/kernels/kernel.ts";
import { scratchOf } from "../../engine/kernels/wasm/memory-layout.ts";
import { instantiateKernels } from "../../engine/kernels/wasm/wasm-kernels.ts";
import { type AnyKernel, commandBlockOf, computeRanges, spinWhile, WORD } from "./command-block.ts";
import type { HelperData } from "./kernel-pool.ts";

// Posted by kernel-pool.ts alone, which types what it posts.
const { module, memory, index } = workerData as HelperData;
const kernels = instantiateKernels(module, memory, scratchOf(index));
const table = KERNEL_NAMES.map((name) => kernels[name] as AnyKernel);
const block = commandBlockOf(memory.buffer);
const { words } = block;

function help(): void {
  Atomics.add(words, WORD.active, 1);
  try {
    if (Atomics.load(words, WORD.open) === 1) {
      const kernel = table[words[WORD.kernel] ?? -1];
      invariant(kernel !== undefined, `no kernel has the id ${words[WORD.kernel]}`);
      computeRanges(block, kernel, [...block.args.subarray(0, words[WORD.argumentCount])]);
    }
  } catch (error) {
    Atomics.store(words, WORD.failed, 1);
    parentPort?.postMessage({ failed: String(error) });
  } finally {
    Atomics.sub(words, WORD.active, 1);
    Atomics.notify(words, WORD.active);
  }
}

let generation = Atomics.load(words, WORD.generation);
parentPort?.postMessage("ready");
while (Atomics.load(words, WORD.stop) === 0) {
  if (!spinWhile(words, WORD.generation, generation)) Atomics.wait(words, WORD.generation, generation);
  const seen = Atomics.load(words, WORD.generation);
  if (seen === generation) continue;
  generation = seen;
  help();
}
