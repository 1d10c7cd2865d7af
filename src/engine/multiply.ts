import type { Graph, Parameter, Tensor } from "./graph.ts";
import { panelFloats, PANEL_COLUMNS } from "./kernels/kernel.ts";
import type { Panels } from "./packed-weights.ts";

// Ranges handed to threads start at multiples of these. The backend knows how many rows a matmul tile holds.
const MATMUL_GRAIN = 1;
const PANEL_GRAIN = 4;

/** C (rows x n) = A (rows x k, row-major) B + bias, or C += A B; pointers, 0 for no bias. */
export function multiply(
  graph: Graph,
  product: {
    readonly a: number;
    readonly rows: number;
    readonly k: number;
    readonly n: number;
    readonly panels: Panels;
    readonly bias?: number;
    readonly c: number;
    readonly isAccumulating?: boolean;
  },
): void {
  const { a, rows, k, n, panels, bias = 0, c, isAccumulating = false } = product;
  const kernel = panels.isBf16 ? "matmulBf16" : "matmul";
  graph.backend.run(kernel, rows, MATMUL_GRAIN, a, k, 1, panels.pointer, bias, c, k, n, isAccumulating ? 1 : 0);
}

/** dW += dy' x, with the tokens as the inner dimension. */
export function addWeightGradient(
  graph: Graph,
  { x, dy, weight }: { x: Pick<Tensor, "pointer" | "rows" | "columns">; dy: number; weight: Parameter },
): void {
  const { backend, arena } = graph;
  const mark = arena.mark();
  const panels = arena.allocate(panelFloats(x.rows, x.columns) * 4);
  const panelCount = Math.ceil(x.columns / PANEL_COLUMNS);
  backend.run("packPanels", panelCount, PANEL_GRAIN, x.pointer, x.rows, x.columns, x.columns, 1, panels);
  const { rows, gradient } = weight;
  backend.run("matmul", rows, MATMUL_GRAIN, dy, 1, rows, panels, 0, gradient, x.rows, x.columns, 1);
  arena.release(mark);
}
