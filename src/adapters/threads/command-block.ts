/**
 * @file The words through which the caller hands a kernel to its helpers. The caller writes a command, opens it, and
 * raises the generation; whoever is awake claims ranges by advancing `NEXT`. A helper counts itself into `ACTIVE` before
 * it looks whether a command is open, and out when it finds no more ranges. So once the caller has closed the command
 * and seen ACTIVE at 0, every claimed range is done and nobody reads the command any more; a helper that never woke
 * up is simply not waited for.
 */
import { COMMAND_BYTES, COMMAND_POINTER } from "../../engine/kernels/wasm/memory-layout.ts";

/** Word indices into {@link CommandBlock.words}; those that threads contend for lie on cache lines of their own. */
export const WORD = {
  /** Raised for every command; helpers sleep on it. */
  generation: 0,
  /** 1 while a command may be claimed from. */
  open: 16,
  kernel: 17,
  items: 18,
  range: 19,
  argumentCount: 20,
  /** 1 when helpers are to end. */
  stop: 21,
  /** 1 when a helper's kernel threw. */
  failed: 22,
  /** First item nobody has claimed. */
  next: 32,
  /** Helpers between counting in and counting out; the caller sleeps on it. */
  active: 48,
} as const;

const ARGUMENTS_OFFSET = 256;

/** How long a waiting thread spins before it sleeps: longer than most gaps between two kernels, short beside a kernel. */
export const SPIN_MS = 0.05;

/** Views of the command block. */
export interface CommandBlock {
  readonly words: Int32Array;
  readonly args: Float64Array;
}

/** The command block of a backend's memory. */
export function commandBlockOf(buffer: ArrayBufferLike): CommandBlock {
  return {
    words: new Int32Array(buffer, COMMAND_POINTER, COMMAND_BYTES / 4),
    args: new Float64Array(buffer, COMMAND_POINTER + ARGUMENTS_OFFSET, (COMMAND_BYTES - ARGUMENTS_OFFSET) / 8),
  };
}

/** A kernel with its arguments spread out. */
export type AnyKernel = (...args: number[]) => void;

/** Claims and computes ranges of the open command until none is left; returns how many it computed. */
export function computeRanges({ words }: CommandBlock, kernel: AnyKernel, args: readonly number[]): number {
  const items = words[WORD.items] ?? 0;
  const range = words[WORD.range] ?? 1;
  let count = 0;
  for (;;) {
    const from = Atomics.add(words, WORD.next, range);
    if (from >= items) return count;
    kernel(...args, from, Math.min(items, from + range));
    count++;
  }
}

/** Spins until the word differs from `value` or SPIN_MS have passed; says whether it differs. */
export function spinWhile(words: Int32Array, index: number, value: number): boolean {
  const end = performance.now() + SPIN_MS;
  do {
    // The clock costs more than a look at the word.
    for (let i = 0; i < 50; i++) if (Atomics.load(words, index) !== value) return true;
  } while (performance.now() < end);
  return false;
}
