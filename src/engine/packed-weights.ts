import type { Arena } from "./arena.ts";
import type { Graph, Parameter } from "./graph.ts";
import { PANEL_COLUMNS, panelFloats } from "./kernels/kernel.ts";

/**
 * Weights packed for the matmul kernel, made on first use and kept until `invalidate`: decoding packs each weight once,
 * training once a step. The memory is taken from `arena` once per weight and layout and then reused.
 */
export class PackedWeights {
  readonly #arena: Arena;
  readonly #panels = new Map<string, { pointer: number; version: number }>();
  #version = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Panels of W' (inputs x outputs), for y = x W'. */
  transposed(graph: Graph, weight: Parameter): number {
    return this.#pack(graph, `${weight.name}/transposed`, {
      weight,
      k: weight.columns,
      n: weight.rows,
      kStride: 1,
      nStride: weight.columns,
    });
  }

  /** Panels of W (outputs x inputs), for dx = dy W. */
  plain(graph: Graph, weight: Parameter): number {
    return this.#pack(graph, `${weight.name}/plain`, {
      weight,
      k: weight.rows,
      n: weight.columns,
      kStride: weight.columns,
      nStride: 1,
    });
  }

  /** Marks every packed weight as out of date; call after the weights have changed. */
  invalidate(): void {
    this.#version++;
  }

  #pack(
    graph: Graph,
    key: string,
    shape: { weight: Parameter; k: number; n: number; kStride: number; nStride: number },
  ): number {
    const { weight, k, n, kStride, nStride } = shape;
    const known = this.#panels.get(key);
    if (known?.version === this.#version) return known.pointer;
    const pointer = known?.pointer ?? this.#arena.allocate(panelFloats(k, n) * 4);
    graph.backend.run("packPanels", Math.ceil(n / PANEL_COLUMNS), 8, weight.pointer, k, n, kStride, nStride, pointer);
    this.#panels.set(key, { pointer, version: this.#version });
    return pointer;
  }
}
