import type { Graph, Parameter, Tensor } from "./graph.ts";
import { addWeightGradient, multiply } from "./multiply.ts";
import type { PackedWeights } from "./packed-weights.ts";

/**
 * A correction of low rank to a dense layer (Hu et al. 2021, LoRA): y += scale (x A') B'. Of a fused layer each part has rank
 * rows of A and columns of B, and B is zero outside the blocks where a part meets its own rows.
 */
export interface Adapter {
  /** A: ranks x inputs. */
  readonly down: Parameter;
  /** B: outputs x ranks. */
  readonly up: Parameter;
  readonly scale: number;
  /** Where the parts' rows of B begin, and where the last ends. */
  readonly firstRows: readonly number[];
}

const SCALE_GRAIN = 4096;

/** y += scale (x A') B'. Call it after what made `y`, whose gradient flows into `x` too. */
export function addAdapter(
  graph: Graph,
  { x, y, adapter, packed }: { x: Tensor; y: Tensor; adapter: Adapter; packed: PackedWeights },
): void {
  const { down, up, scale } = adapter;
  const low = graph.tensor(x.rows, down.rows);
  const { rows } = x;
  packed.withTransposed(graph, down, (panels) =>
    multiply(graph, { a: x.pointer, rows, k: x.columns, n: low.columns, panels, c: low.pointer }),
  );
  graph.backend.run("scale", rows * low.columns, SCALE_GRAIN, low.pointer, scale);
  packed.withTransposed(graph, up, (panels) =>
    multiply(graph, { a: low.pointer, rows, k: low.columns, n: y.columns, panels, c: y.pointer, isAccumulating: true }),
  );
  graph.record(() => {
    addWeightGradient(graph, { x: low, dy: y.gradient, weight: up });
    const dLow = graph.freshGradient(low);
    packed.withPlain(graph, up, (panels) =>
      multiply(graph, { a: y.gradient, rows, k: y.columns, n: low.columns, panels, c: dLow }),
    );
    graph.backend.run("scale", rows * low.columns, SCALE_GRAIN, dLow, scale);
    addWeightGradient(graph, { x, dy: dLow, weight: down });
    const isAccumulating = x.gradient !== 0;
    const dx = x.gradient || graph.freshGradient(x);
    packed.withPlain(graph, down, (panels) =>
      multiply(graph, { a: dLow, rows, k: low.columns, n: x.columns, panels, c: dx, isAccumulating }),
    );
  });
}

/** Zeroes the gradient of B where no part meets its own rows: the product that made it knows of no blocks. */
export function clearBetweenParts(f32: Float32Array, { up, firstRows }: Adapter): void {
  const parts = firstRows.length - 1;
  const rank = up.columns / parts;
  for (let part = 0; part < parts && parts > 1; part++) {
    for (let row = firstRows[part] ?? 0; row < (firstRows[part + 1] ?? 0); row++) {
      const at = (up.gradient >>> 2) + row * up.columns;
      f32.fill(0, at, at + part * rank);
      f32.fill(0, at + (part + 1) * rank, at + up.columns);
    }
  }
}
