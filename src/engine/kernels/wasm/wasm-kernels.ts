import { AppError } from "../../../core/errors.ts";
import { KERNEL_NAMES, type Kernels } from "../kernel.ts";

/** The two binaries that `scripts/build.mjs` makes: plain SIMD, and fused multiply-add where the host has it. */
export type WasmBuild = "simd" | "relaxed";

/** Private working memory of one instance, in bytes of the shared memory. */
export interface ScratchRegion {
  readonly pointer: number;
  readonly bytes: number;
}

/**
 * One thread's kernels over `memory`: an instance of the compiled module whose globals point at `scratch`. Pure: the
 * caller reads the binary and owns the memory.
 *
 * @throws {AppError} `engine` when the module is not the kernels of this version or the host refuses it.
 */
export function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  scratch: ScratchRegion,
): Kernels {
  const exports = instantiate(module, memory);
  for (const name of [...KERNEL_NAMES, "setScratch"]) {
    if (typeof exports[name] !== "function") {
      throw new AppError("engine", `the kernel binary does not export ${name}`, { hint: "Run `npm run build`." });
    }
  }
  (exports["setScratch"] as (pointer: number, bytes: number) => void)(scratch.pointer, scratch.bytes);
  return exports as unknown as Kernels;
}

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  try {
    return new WebAssembly.Instance(module, { env: { memory } }).exports;
  } catch (cause) {
    throw new AppError("engine", "the kernel binary could not be instantiated", { cause });
  }
}
