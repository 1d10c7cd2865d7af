import type { Graph, Parameter, Tensor } from "./graph.ts";

const ROW_GRAIN = 24;
const CHANNEL_GRAIN = 16;

/** Normalises heads [first, first + heads) of `x`'s rows in place, all by one weight (Qwen3's queries, or its keys). */
export function normaliseHeads(
  graph: Graph,
  x: Tensor,
  norm: { readonly weight: Parameter; readonly epsilon: number; readonly first: number; readonly heads: number },
): void {
  const { backend } = graph;
  const { weight, epsilon, first, heads } = norm;
  const headSize = weight.columns;
  const offset = first * headSize * 4;
  const saved = graph.isRecording ? graph.arena.allocate(x.rows * heads * headSize * 4) : 0;
  const rstd = graph.isRecording ? graph.arena.allocate(x.rows * heads * 4) : 0;
  const shape = [heads, headSize, x.columns] as const;
  backend.run("headNormForward", x.rows, ROW_GRAIN, x.pointer + offset, weight.pointer, saved, rstd, ...shape, epsilon);
  graph.record(() => {
    const slope = x.gradient + offset;
    if (weight.gradient !== 0) {
      const sums = [saved, rstd, slope, weight.gradient, x.rows] as const;
      backend.run("headNormWeightGrad", headSize, CHANNEL_GRAIN, ...sums, ...shape);
    }
    backend.run("headNormBackward", x.rows, ROW_GRAIN, saved, weight.pointer, rstd, slope, ...shape);
  });
}
