import type { Backend, KernelArguments } from "../../backend.ts";
import { KERNEL_NAMES, type KernelName, type Kernels } from "../kernel.ts";
import { ITEM_MULTIPLE, WORK_PER_ITEM } from "./kernel-work.ts";
import { heapBaseOf } from "./memory-layout.ts";

/** More threads, as a port: `src/adapters/threads` implements it with helper threads on the same memory. */
export interface Pool {
  /** Threads that compute, the caller included. */
  readonly threads: number;
  /**
   * Computes items [0, items) of kernel `kernelId` (an index of KERNEL_NAMES) in ranges of `grain` items, on any thread,
   * and returns when all are done.
   *
   * @throws {AppError} `engine` when a thread failed.
   */
  run(kernelId: number, items: number, grain: number, args: readonly number[]): void;
}

/** What a WASM backend is made of. */
export interface WasmBackendParts {
  readonly kernelBuild: "wasm-simd" | "wasm-relaxed";
  readonly memory: WebAssembly.Memory;
  /** The calling thread's instance. */
  readonly kernels: Kernels;
  readonly pool?: Pool;
}

/** Below this many flops a kernel is done (about 20 us) before a sleeping helper could join in. */
const INLINE_WORK = 500_000;
/** A range of a kernel is at least this much work, so that claiming it costs nothing beside it. */
const RANGE_WORK = 100_000;
/** Ranges per thread: enough that a thread which loses its core for a while does not hold up the others. */
const RANGES_PER_THREAD = 6;

const KERNEL_IDS = new Map(KERNEL_NAMES.map((name, id) => [name, id]));

/** The backend that runs the compiled kernels, on the calling thread and on those of an optional pool. */
export class WasmBackend implements Backend {
  readonly kernelBuild: "wasm-simd" | "wasm-relaxed";
  readonly threads: number;
  readonly buffer: ArrayBufferLike;
  readonly heapBase: number;
  readonly #kernels: Kernels;
  readonly #pool: Pool | undefined;
  readonly #i32: Int32Array;

  constructor(parts: WasmBackendParts) {
    this.kernelBuild = parts.kernelBuild;
    this.threads = parts.pool?.threads ?? 1;
    this.buffer = parts.memory.buffer;
    this.heapBase = heapBaseOf(this.threads);
    this.#kernels = parts.kernels;
    this.#pool = parts.pool;
    this.#i32 = new Int32Array(this.buffer);
  }

  run<Name extends KernelName>(name: Name, items: number, grain: number, ...args: KernelArguments<Name>): void {
    if (items <= 0) return;
    // Every kernel's arguments are numbers, which a conditional type does not tell the compiler.
    const numbers = args as readonly number[];
    if (this.#pool !== undefined && items > grain) {
      const work = WORK_PER_ITEM[name](args, items, this.#i32);
      if (work * items >= INLINE_WORK) {
        const range = rangeItems(name, items, grain, work, this.threads);
        // A kernel's id is its place in KERNEL_NAMES, which lists every name.
        if (range < items) return this.#pool.run(KERNEL_IDS.get(name) as number, items, range, numbers);
      }
    }
    (this.#kernels[name] as (...args: number[]) => void)(...numbers, 0, items);
  }
}

/** Items in one range, a multiple of `grain`. */
function rangeItems(name: KernelName, items: number, grain: number, work: number, threads: number): number {
  // Items of attention differ in length, so they are dealt out as finely as they are worth claiming.
  const isUneven = name === "attentionForward" || name === "attentionBackward" || name === "cachedAttention";
  const fair = isUneven ? 1 : items / (threads * RANGES_PER_THREAD);
  const wanted = Math.ceil(Math.max(fair, RANGE_WORK / work));
  const multiple = ITEM_MULTIPLE[name] ?? 1;
  const rounded = Math.ceil(wanted / multiple) * multiple;
  return Math.ceil(rounded / grain) * grain;
}
