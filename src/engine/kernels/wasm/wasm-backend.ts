import { AppError } from "../../../core/errors.ts";
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
const RANGES_PER_THREAD = 12;

const PAGE_BYTES = 65_536;

/** Kernels whose items differ in work. */
const UNEVEN: ReadonlySet<KernelName> = new Set(["attentionForward", "attentionBackward", "cachedAttention"]);

const KERNEL_IDS = new Map(KERNEL_NAMES.map((name, id) => [name, id]));

/** The backend that runs the compiled kernels, on the calling thread and on those of an optional pool. */
export class WasmBackend implements Backend {
  readonly kernelBuild: "wasm-simd" | "wasm-relaxed";
  readonly threads: number;
  readonly heapBase: number;
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: Kernels;
  readonly #pool: Pool | undefined;
  #i32: Int32Array;

  constructor(parts: WasmBackendParts) {
    this.kernelBuild = parts.kernelBuild;
    this.threads = parts.pool?.threads ?? 1;
    this.#memory = parts.memory;
    this.heapBase = heapBaseOf(this.threads);
    this.#kernels = parts.kernels;
    this.#pool = parts.pool;
    this.#i32 = new Int32Array(this.buffer);
  }

  get buffer(): ArrayBufferLike {
    return this.#memory.buffer;
  }

  reserve(bytes: number): void {
    const missing = bytes - this.buffer.byteLength;
    if (missing <= 0) return;
    try {
      this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    } catch (cause) {
      throw new AppError("limit-exceeded", `${bytes} bytes of engine memory could not be had`, {
        cause,
        hint: "free memory, or use a smaller student",
        data: { bytes, heldBytes: this.buffer.byteLength },
      });
    }
    this.#i32 = new Int32Array(this.buffer);
  }

  run<Name extends KernelName>(name: Name, items: number, grain: number, ...args: KernelArguments<Name>): void {
    if (items <= 0) return;
    // Every kernel's arguments are numbers, which a conditional type does not tell the compiler.
    const numbers = args as readonly number[];
    if (this.#pool !== undefined && items > grain) {
      const work = WORK_PER_ITEM[name](args, items, this.#i32);
      if (work * items >= INLINE_WORK) {
        const isRelaxed = this.kernelBuild === "wasm-relaxed";
        const range = rangeItems({ name, items, grain, work, threads: this.threads, isRelaxed });
        // A kernel's id is its place in KERNEL_NAMES, which lists every name.
        if (range < items) return this.#pool.run(KERNEL_IDS.get(name) as number, items, range, numbers);
      }
    }
    (this.#kernels[name] as (...args: number[]) => void)(...numbers, 0, items);
  }
}

/** Items in one range, a multiple of `grain`. */
function rangeItems(shape: {
  name: KernelName;
  items: number;
  grain: number;
  work: number;
  threads: number;
  isRelaxed: boolean;
}): number {
  const { name, items, grain, work, threads } = shape;
  const shared = name === "matmul" || name === "matmulBf16" ? (shape.isRelaxed ? 6 : 4) : (ITEM_MULTIPLE[name] ?? 1);
  const multiple = Math.ceil(grain / shared) * shared;
  const units = Math.ceil(items / multiple);
  const least = Math.ceil(RANGE_WORK / work / multiple);
  // Items of attention differ in length, so they are dealt out as finely as they are worth claiming.
  if (UNEVEN.has(name)) return least * multiple;
  return Math.max(least, evenRange(units, threads)) * multiple;
}

/** Units in a range so that threads of equal speed end together, or as nearly as RANGES_PER_THREAD allows. */
function evenRange(units: number, threads: number): number {
  let best = { range: units, longest: units };
  for (let ranges = RANGES_PER_THREAD; ranges <= 2 * RANGES_PER_THREAD; ranges++) {
    const range = Math.ceil(units / (threads * ranges));
    const longest = Math.ceil(Math.ceil(units / range) / threads) * range;
    if (longest < best.longest) best = { range, longest };
  }
  return best.range;
}
