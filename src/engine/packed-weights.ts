import type { Arena } from "./arena.ts";
import type { Graph, Parameter } from "./graph.ts";
import { PANEL_COLUMNS, panelFloats } from "./kernels/kernel.ts";

/** A packed matrix; see `Kernels.packPanels`. */
export interface Panels {
  readonly pointer: number;
  readonly isBf16: boolean;
}

type Layout = "transposed" | "plain";

/**
 * Weights packed for the matmul kernel. Those that are trained are packed once a step and keep their memory, taken from
 * `arena`. Those that stay as they are (a base under adapters) are packed for each product, in the pass's arena, and
 * forgotten: the packing costs little beside a product of hundreds of rows, and a copy would cost as much as the weights. A
 * decoder gives its panels itself, and keeps no other copy.
 */
export class PackedWeights {
  readonly #arena: Arena;
  readonly #panels = new Map<string, Panels & { version: number }>();
  #version = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Takes a trained weight's memory in both layouts before the first step needs it. */
  reserve(weight: Parameter): void {
    for (const layout of ["transposed", "plain"] as const) {
      const { k, n } = shapeOf(weight, layout);
      const pointer = this.#arena.allocate(panelFloats(k, n) * 4);
      this.#panels.set(`${weight.name}/${layout}`, { pointer, isBf16: false, version: -1 });
    }
  }

  /** Takes panels of W' that were packed by the caller. */
  adopt(name: string, panels: Panels): void {
    this.#panels.set(`${name}/transposed`, { ...panels, version: this.#version });
  }

  /** Calls `use` with the panels of W' (inputs x outputs), for y = x W'. */
  withTransposed(graph: Graph, weight: Parameter, use: (panels: Panels) => void): void {
    this.#with(graph, weight, "transposed", use);
  }

  /** Calls `use` with the panels of W (outputs x inputs), for dx = dy W. */
  withPlain(graph: Graph, weight: Parameter, use: (panels: Panels) => void): void {
    this.#with(graph, weight, "plain", use);
  }

  /** Marks every packed weight as out of date; call after the weights have changed. */
  invalidate(): void {
    this.#version++;
  }

  #with(graph: Graph, weight: Parameter, layout: Layout, use: (panels: Panels) => void): void {
    const key = `${weight.name}/${layout}`;
    const known = this.#panels.get(key);
    if (known?.version === this.#version) return use(known);
    const isKept = weight.gradient !== 0;
    const mark = graph.arena.mark();
    const pointer = known?.pointer ?? (isKept ? this.#arena : graph.arena).allocate(panelBytes(weight, layout));
    const panels = { pointer, isBf16: weight.isBf16 === true };
    packWeight(graph, weight, layout, pointer);
    if (isKept) this.#panels.set(key, { ...panels, version: this.#version });
    use(panels);
    if (!isKept) graph.arena.release(mark);
  }
}

/** Bytes of a weight's panels. */
export function panelBytes(weight: Pick<Parameter, "rows" | "columns" | "isBf16">, layout: Layout): number {
  const { k, n } = shapeOf(weight, layout);
  return panelFloats(k, n) * (weight.isBf16 === true ? 2 : 4);
}

/** Packs a weight at `pointer`; bf16 stays bf16. */
export function packWeight(graph: Pick<Graph, "backend">, weight: Parameter, layout: Layout, pointer: number): void {
  const { k, n, kStride, nStride } = shapeOf(weight, layout);
  const kernel = weight.isBf16 === true ? "packPanelsBf16" : "packPanels";
  graph.backend.run(kernel, Math.ceil(n / PANEL_COLUMNS), 8, weight.pointer, k, n, kStride, nStride, pointer);
}

function shapeOf({ rows, columns }: Pick<Parameter, "rows" | "columns">, layout: Layout) {
  return layout === "transposed"
    ? { k: columns, n: rows, kStride: 1, nStride: columns }
    : { k: rows, n: columns, kStride: columns, nStride: 1 };
}
