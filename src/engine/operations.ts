/** @file The operations of a transformer, forward and backward, over the kernels. Each returns a new tensor of the graph. */
import { invariant } from "../core/errors.ts";
import { addAdapter, type Adapter } from "./adapter.ts";
import type { Graph, Parameter, Tensor } from "./graph.ts";
import { addWeightGradient, multiply } from "./multiply.ts";
import type { PackedWeights } from "./packed-weights.ts";

// Ranges handed to threads start at multiples of these, so that small work stays on one thread.
const ROW_GRAIN = 24;
const CHANNEL_GRAIN = 16;

/** A dense layer: y = x W' (+ bias) (+ what an adapter adds). `weight` is (outputs, inputs). */
export function linear(
  graph: Graph,
  x: Tensor,
  layer: { weight: Parameter; bias?: Parameter | undefined; adapter?: Adapter | undefined; packed: PackedWeights },
): Tensor {
  const { weight, bias, adapter, packed } = layer;
  invariant(x.columns === weight.columns, `${weight.name}: ${x.columns} inputs given, ${weight.columns} wanted`);
  const y = graph.tensor(x.rows, weight.rows);
  const [rows, k, n] = [x.rows, weight.columns, weight.rows];
  packed.withTransposed(graph, weight, (panels) =>
    multiply(graph, { a: x.pointer, rows, k, n, panels, bias: bias?.pointer ?? 0, c: y.pointer }),
  );
  graph.record(() => {
    if (bias && bias.gradient !== 0)
      graph.backend.run("columnSums", bias.columns, CHANNEL_GRAIN, y.gradient, bias.gradient, y.rows, y.columns);
    if (weight.gradient !== 0) addWeightGradient(graph, { x, dy: y.gradient, weight });
    const isAccumulating = x.gradient !== 0;
    const dx = x.gradient || graph.freshGradient(x);
    packed.withPlain(graph, weight, (panels) =>
      multiply(graph, { a: y.gradient, rows, k: n, n: k, panels, c: dx, isAccumulating }),
    );
  });
  if (adapter) addAdapter(graph, { x, y, adapter, packed });
  return y;
}

/** Root-mean-square normalisation of each row, scaled per channel (Zhang & Sennrich 2019). */
export function rmsNorm(graph: Graph, x: Tensor, { weight, epsilon }: { weight: Parameter; epsilon: number }): Tensor {
  const { backend } = graph;
  const y = graph.tensor(x.rows, x.columns);
  const rstd = graph.arena.allocate(x.rows * 4);
  backend.run("rmsNormForward", x.rows, ROW_GRAIN, x.pointer, weight.pointer, y.pointer, rstd, x.columns, epsilon);
  graph.record(() => {
    const dx = graph.addableGradient(x);
    if (weight.gradient !== 0) {
      const sums = [x.pointer, rstd, y.gradient, weight.gradient, x.rows, x.columns] as const;
      backend.run("rmsNormWeightGrad", x.columns, CHANNEL_GRAIN, ...sums);
    }
    backend.run("rmsNormBackward", x.rows, ROW_GRAIN, x.pointer, weight.pointer, rstd, y.gradient, dx, x.columns);
  });
  return y;
}

/** Where the rows of a batch stand: positions for RoPE, segments for attention (kernel.ts, `attentionForward`). */
export interface RaggedRows {
  readonly positions: number;
  readonly ropeTable: number;
  readonly segments: number;
  readonly segmentCount: number;
}

/** Head counts and sizes of grouped-query attention. */
export interface HeadShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

/** Rotates queries and keys of `qkv` rows [q (heads), k (kvHeads), v (kvHeads)] in place (Su et al. 2021). */
export function rotate(graph: Graph, qkv: Tensor, { rows, shape }: { rows: RaggedRows; shape: HeadShape }): void {
  const turned = shape.heads + shape.kvHeads;
  const run = (pointer: number, direction: 1 | -1): void =>
    graph.backend.run(
      "rope",
      qkv.rows,
      ROW_GRAIN,
      pointer,
      rows.positions,
      rows.ropeTable,
      turned,
      shape.headSize,
      qkv.columns,
      direction,
    );
  run(qkv.pointer, 1);
  graph.record(() => run(qkv.gradient, -1));
}

/** Causal attention of each segment over its own rows of `qkv`. */
export function selfAttention(
  graph: Graph,
  qkv: Tensor,
  { rows, shape }: { rows: RaggedRows; shape: HeadShape },
): Tensor {
  const { heads, kvHeads, headSize } = shape;
  const out = graph.tensor(qkv.rows, heads * headSize);
  const lse = graph.arena.allocate(qkv.rows * heads * 4);
  const keyOffset = heads * headSize * 4;
  const valueOffset = keyOffset + kvHeads * headSize * 4;
  const key = qkv.pointer + keyOffset;
  const value = qkv.pointer + valueOffset;
  graph.backend.run(
    "attentionForward",
    rows.segmentCount * heads,
    1,
    qkv.pointer,
    qkv.columns,
    key,
    value,
    qkv.columns,
    out.pointer,
    out.columns,
    lse,
    rows.segments,
    heads,
    kvHeads,
    headSize,
  );
  graph.record(() => {
    const dq = graph.freshGradient(qkv);
    graph.backend.run(
      "attentionBackward",
      rows.segmentCount * kvHeads,
      1,
      qkv.pointer,
      qkv.columns,
      key,
      value,
      qkv.columns,
      out.pointer,
      out.gradient,
      out.columns,
      lse,
      dq,
      dq + keyOffset,
      dq + valueOffset,
      rows.segments,
      heads,
      kvHeads,
      headSize,
    );
  });
  return out;
}

/** silu(gate) * up of rows [gate, up] (Shazeer 2020). */
export function swiglu(graph: Graph, gateUp: Tensor): Tensor {
  const hidden = gateUp.columns / 2;
  const out = graph.tensor(gateUp.rows, hidden);
  graph.backend.run("swigluForward", gateUp.rows, ROW_GRAIN, gateUp.pointer, out.pointer, hidden);
  graph.record(() => {
    graph.backend.run(
      "swigluBackward",
      gateUp.rows,
      ROW_GRAIN,
      gateUp.pointer,
      out.gradient,
      graph.freshGradient(gateUp),
      hidden,
    );
  });
  return out;
}

/**
 * branch += stream, returned as the new residual stream. Both gradients alias the result's: every reader of the branch's
 * gradient runs before anything is added into the stream's, because the stream was made first.
 */
export function addResidual(graph: Graph, stream: Tensor, branch: Tensor): Tensor {
  graph.backend.run("add", stream.rows * stream.columns, 4096, stream.pointer, branch.pointer);
  const sum: Tensor = { pointer: branch.pointer, rows: branch.rows, columns: branch.columns, gradient: 0 };
  graph.record(() => {
    invariant(stream.gradient === 0, "residual stream used after its sum");
    branch.gradient = sum.gradient;
    stream.gradient = sum.gradient;
  });
  return sum;
}

/** Rows of `table` picked by `ids` (an i32 pointer). */
export function embed(graph: Graph, { ids, rows, table }: { ids: number; rows: number; table: Parameter }): Tensor {
  const out = graph.tensor(rows, table.columns);
  const kernel = table.isBf16 === true ? "embeddingForwardBf16" : "embeddingForward";
  graph.backend.run(kernel, rows, ROW_GRAIN * 8, ids, table.pointer, out.pointer, table.columns);
  graph.record(() => {
    if (table.gradient === 0) return;
    graph.backend.run(
      "embeddingBackward",
      table.columns,
      CHANNEL_GRAIN,
      ids,
      out.gradient,
      table.gradient,
      rows,
      table.columns,
    );
  });
  return out;
}

/** Rows of a tensor by their numbers (`indices`, an i32 pointer), each at most once; the others get a gradient of 0. */
export function pickRows(graph: Graph, x: Tensor, picked: { indices: number; count: number }): Tensor {
  const { indices, count } = picked;
  const out = graph.tensor(count, x.columns);
  graph.backend.run("embeddingForward", count, ROW_GRAIN * 8, indices, x.pointer, out.pointer, x.columns);
  graph.record(() => {
    const dx = graph.addableGradient(x);
    graph.backend.run("embeddingBackward", x.columns, CHANNEL_GRAIN, indices, out.gradient, dx, count, x.columns);
  });
  return out;
}
