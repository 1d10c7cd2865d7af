/**
 * @file Tape autograd over fused operations. A `Graph` lives for one forward (and backward) pass on an arena; operations
 * record how to undo themselves. All tensors are row-major matrices; a batch is ragged: the rows of all sequences
 * stand one after another without padding.
 */
import type { Arena } from "./arena.ts";
import type { Backend } from "./backend.ts";

/** A row-major f32 matrix in linear memory; `gradient` is 0 until something has flowed back into it. */
export interface Tensor {
  readonly pointer: number;
  readonly rows: number;
  readonly columns: number;
  gradient: number;
}

/** A trained matrix (rows = outputs, columns = inputs, as Hugging Face stores them) or vector (rows = 1). */
export interface Parameter {
  readonly name: string;
  readonly pointer: number;
  /** Accumulates; the optimizer zeroes it. 0: the parameter is not trained, and no gradient of it is computed. */
  readonly gradient: number;
  readonly rows: number;
  readonly columns: number;
  /** Whether the values are bf16, two bytes each; then it is not trained. */
  readonly isBf16?: boolean;
}

/** Float and index views of a backend's memory, and allocation for one pass. */
export class Graph {
  readonly backend: Backend;
  readonly arena: Arena;
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly #undo: (() => void)[] = [];
  /** Whether a backward pass follows. */
  readonly isRecording: boolean;

  constructor(backend: Backend, arena: Arena, options: { readonly isRecording: boolean }) {
    this.backend = backend;
    this.arena = arena;
    this.f32 = new Float32Array(backend.buffer, 0, Math.floor(backend.buffer.byteLength / 4));
    this.i32 = new Int32Array(backend.buffer, 0, this.f32.length);
    this.isRecording = options.isRecording;
  }

  /** An uninitialised tensor. */
  tensor(rows: number, columns: number): Tensor {
    return { pointer: this.arena.allocate(rows * columns * 4), rows, columns, gradient: 0 };
  }

  /** A copy of `values` as i32 in linear memory; its pointer. */
  indices(values: ArrayLike<number>): number {
    const pointer = this.arena.allocate(Math.max(1, values.length) * 4);
    this.i32.set(values, pointer >>> 2);
    return pointer;
  }

  /** A copy of `values` as f32 in linear memory; its pointer. */
  floats(values: ArrayLike<number>): number {
    const pointer = this.arena.allocate(Math.max(1, values.length) * 4);
    this.f32.set(values, pointer >>> 2);
    return pointer;
  }

  /** Registers the backward half of an operation; ignored when the graph only runs forward. */
  record(undo: () => void): void {
    if (this.isRecording) this.#undo.push(undo);
  }

  /** Runs the recorded operations backwards, last first, once. */
  backward(): void {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) undo();
  }

  /** A gradient buffer that may hold anything: the caller writes all of it. */
  freshGradient(tensor: Tensor): number {
    tensor.gradient = this.arena.allocate(tensor.rows * tensor.columns * 4);
    return tensor.gradient;
  }

  /** A gradient buffer to add into: zeroed when nothing has flowed back yet. */
  addableGradient(tensor: Tensor): number {
    if (tensor.gradient) return tensor.gradient;
    const pointer = this.freshGradient(tensor);
    this.f32.fill(0, pointer >>> 2, (pointer >>> 2) + tensor.rows * tensor.columns);
    return pointer;
  }
}
