import type { Backend, KernelArguments } from "../../backend.ts";
import type { KernelName, Kernels } from "../kernel.ts";
import { referenceKernels } from "./reference-kernels.ts";

/** The readable kernels on one thread: what runs where WASM SIMD is missing, and what the other backends must equal. */
export class ReferenceBackend implements Backend {
  readonly kernelBuild = "reference";
  readonly threads = 1;
  buffer: ArrayBufferLike;
  /** Pointer 0 means "none" to a kernel and is never handed out. */
  readonly heapBase = 16;
  #kernels: Kernels;

  /** @param memoryBytes Size of the linear memory at first. */
  constructor(memoryBytes: number) {
    this.buffer = new ArrayBuffer(memoryBytes);
    this.#kernels = referenceKernels(this.buffer);
  }

  /** A new memory where the old one is too small: what stood in it is gone. */
  reserve(bytes: number): void {
    if (bytes <= this.buffer.byteLength) return;
    this.buffer = new ArrayBuffer(bytes);
    this.#kernels = referenceKernels(this.buffer);
  }

  run<Name extends KernelName>(name: Name, items: number, _grain: number, ...args: KernelArguments<Name>): void {
    // Every kernel's arguments are numbers, which a conditional type does not tell the compiler.
    const numbers = args as readonly number[];
    if (items > 0) (this.#kernels[name] as (...args: number[]) => void)(...numbers, 0, items);
  }
}
