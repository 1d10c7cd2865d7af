/**
 * @file What lies below the heap in a WASM backend's memory: nothing at 0 (a pointer of 0 means "none"), then the block
 * through which a pool hands out commands, then each thread's scratch, then the heap.
 */
import type { ScratchRegion } from "./wasm-kernels.ts";

/** Where the command block starts: clear of pointer 0, on a cache line of its own. */
export const COMMAND_POINTER = 1024;

/** Size of the command block. */
export const COMMAND_BYTES = 1024;

/** Scratch of one thread: the largest user is matmul (157 KiB); attention fits with heads of up to 448 floats. */
export const SCRATCH_BYTES = 256 * 1024;

const SCRATCH_POINTER = 4096;

/** The scratch of thread `index`; 0 is the caller. */
export function scratchOf(index: number): ScratchRegion {
  return { pointer: SCRATCH_POINTER + index * SCRATCH_BYTES, bytes: SCRATCH_BYTES };
}

/** The first byte that callers of the backend may use. */
export function heapBaseOf(threads: number): number {
  return SCRATCH_POINTER + threads * SCRATCH_BYTES;
}
