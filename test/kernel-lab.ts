/** @file A workbench for kernels: memory with guards between its blocks, and cases that run on any backend. */
import type { Prng } from "../src/core/prng.ts";
import type { Backend } from "../src/engine/backend.ts";
import { panelFloats } from "../src/engine/kernels/kernel.ts";

/** A backend's heap, filled from the start: the same calls give the same pointers and the same contents. */
export class Lab {
  readonly backend: Backend;
  readonly #f32: Float32Array;
  readonly #i32: Int32Array;
  #top: number;

  constructor(backend: Backend) {
    this.backend = backend;
    this.#f32 = new Float32Array(backend.buffer);
    this.#i32 = new Int32Array(backend.buffer);
    this.#top = backend.heapBase;
  }

  floats(values: ArrayLike<number>): number {
    const pointer = this.#take(values.length);
    this.#f32.set(values, pointer / 4);
    return pointer;
  }

  random(random: Prng, count: number, low = -1, high = 1): number {
    return this.floats(Float32Array.from({ length: count }, () => low + (high - low) * random.next()));
  }

  /** Memory that a kernel must fill: whatever it leaves shows as 7s. */
  dirty(count: number): number {
    return this.floats(new Float32Array(count).fill(7));
  }

  ints(values: readonly number[]): number {
    const pointer = this.#take(values.length);
    this.#i32.set(values, pointer / 4);
    return pointer;
  }

  /** Random bf16, two bytes each. */
  halves(random: Prng, count: number): number {
    const bits = new Uint32Array(Float32Array.from({ length: count }, () => 2 * random.next() - 1).buffer);
    const halves = new Uint16Array(Math.ceil(count / 2) * 2);
    bits.forEach((word, i) => (halves[i] = word >>> 16));
    return this.ints([...new Int32Array(halves.buffer)]);
  }

  read(pointer: number, count: number): Float32Array {
    return this.#f32.slice(pointer / 4, pointer / 4 + count);
  }

  #take(words: number): number {
    const pointer = this.#top;
    // A guard of four words between blocks, so that a store past an end meets the next block's first 7.
    this.#top += Math.ceil((words * 4 + 16) / 16) * 16;
    this.#f32.fill(7, pointer / 4, this.#top / 4);
    return pointer;
  }
}

/** Runs a kernel on seeded inputs; answers everything it wrote, guards included. */
export type Case = (lab: Lab, random: Prng) => Float32Array;

/** Queries (all heads but two) and keys (one) of a wider row, each with a weight of its own; forward and backward. */
export function headNormCase(rows: number, heads: number, headSize: number): Case {
  return (lab, random) => {
    const stride = (heads + 2) * headSize;
    const x = lab.random(random, rows * stride);
    const weight = lab.random(random, headSize);
    const [saved, rstd] = [lab.dirty(rows * heads * headSize), lab.dirty(rows * heads)];
    const gradient = lab.random(random, rows * stride);
    const dweight = lab.random(random, headSize);
    lab.backend.run("headNormForward", rows, 1, x, weight, saved, rstd, heads, headSize, stride, 1e-6);
    const sums = [rows, heads, headSize, stride] as const;
    lab.backend.run("headNormWeightGrad", headSize, 1, saved, rstd, gradient, dweight, ...sums);
    lab.backend.run("headNormBackward", rows, 1, saved, weight, rstd, gradient, heads, headSize, stride);
    return lab.read(x, dweight / 4 - x / 4 + headSize + 4);
  };
}

/** A product with a matrix of bf16, packed as it stands or transposed, and rows looked up in it. */
export function bf16Case(
  m: number,
  k: number,
  n: number,
  form: "normal" | "transposed-b",
  isAccumulating: boolean,
): Case {
  return (lab, random) => {
    const a = lab.random(random, m * k);
    const b = lab.halves(random, k * n);
    const bias = m % 2 === 0 ? lab.random(random, n) : 0;
    const panels = lab.dirty(panelFloats(k, n) / 2);
    const c = isAccumulating ? lab.random(random, m * n) : lab.dirty(m * n);
    const isB = form === "transposed-b";
    lab.backend.run("packPanelsBf16", Math.ceil(n / 8), 1, b, k, n, isB ? 1 : n, isB ? k : 1, panels);
    lab.backend.run("matmulBf16", m, 1, a, k, 1, panels, bias, c, k, n, isAccumulating ? 1 : 0);
    const ids = lab.ints(Array.from({ length: m }, () => random.int(0, k - 1)));
    const rows = lab.dirty(m * n);
    lab.backend.run("embeddingForwardBf16", m, 1, ids, b, rows, n);
    return joined(lab.read(c, m * n + 4), lab.read(rows, m * n + 4));
  };
}

/** One array of all values. */
export function joined(...parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}
