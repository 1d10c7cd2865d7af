import type { Kernels, KernelName } from "./kernels/kernel.ts";

/** A kernel's arguments without the trailing `(from, to)`. */
export type KernelArguments<Name extends KernelName> =
  Parameters<Kernels[Name]> extends [...infer Head, number, number] ? Head : never;

/**
 * Where kernels run: one linear memory and a way to compute all items of a kernel, on as many threads as there are.
 * `run` returns when every item is done. Implementations: reference (one thread, readable) and WASM (SIMD, threads).
 */
export interface Backend {
  /** Which kernel build this is; results are byte-equal within one build only. */
  readonly kernelBuild: "reference" | "wasm-simd" | "wasm-relaxed";
  readonly threads: number;
  /** Linear memory from which the arena takes its bytes; another object after {@link reserve}. */
  readonly buffer: ArrayBufferLike;
  /**
   * Sees to it that the memory has at least so many bytes; views made before do not see the new ones. Absent where the size
   * is fixed.
   *
   * @throws {AppError} limit-exceeded where there is no more
   */
  reserve?(bytes: number): void;
  /** First byte that callers may use; what lies below belongs to the backend. */
  readonly heapBase: number;
  /** Computes items [0, items) of a kernel; ranges handed to threads start at multiples of `grain`. */
  run<Name extends KernelName>(name: Name, items: number, grain: number, ...args: KernelArguments<Name>): void;
}
