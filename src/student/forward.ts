import type { Graph, Parameter, Tensor } from "../engine/graph.ts";
import {
  addResidual,
  embed,
  linear,
  pickRows,
  rmsNorm,
  rotate,
  swiglu,
  type HeadShape,
  type RaggedRows,
} from "../engine/operations.ts";
import type { PackedWeights } from "../engine/packed-weights.ts";
import { normaliseHeads } from "../engine/head-norm.ts";
import type { Adapter } from "../engine/adapter.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import type { LayerParameters, StudentParameters } from "./parameter-memory.ts";

/** What a forward pass needs of the model. */
export interface ForwardModel {
  readonly config: StudentConfig;
  readonly parameters: StudentParameters;
  readonly packed: PackedWeights;
  /** Adapters by the name of the matrix that they correct. */
  readonly adapters?: ReadonlyMap<string, Adapter> | undefined;
}

/** How a layer attends: over the batch itself (training) or over a key-value cache (decoding). Gets rotated qkv rows. */
export type Attend = (qkv: Tensor, layer: number) => Tensor;

/** Some rows of a pass, by their numbers in ascending order (an i32 pointer). */
export interface PickedRows {
  readonly indices: number;
  readonly count: number;
}

/**
 * The decoder of the Qwen2, Qwen3 and Llama families up to and including the final norm: hidden states (wanted.count, hiddenSize) of the `wanted` rows among
 * those of `ids` (an i32 pointer). Behind the last attention a row that nobody wants is not computed: a prompt in training,
 * all but the last id of a prefill.
 */
export function hiddenStates(
  graph: Graph,
  model: ForwardModel,
  batch: { ids: number; rows: number; ragged: RaggedRows; attend: Attend; wanted: PickedRows },
): Tensor {
  const { ragged, wanted } = batch;
  const { layers, embedding, finalNorm } = model.parameters;
  let stream = embed(graph, { ids: batch.ids, rows: batch.rows, table: embedding });
  const keep = keepInPlace(graph, stream);
  layers.forEach((layer, index) => {
    const attend = (qkv: Tensor): Tensor => batch.attend(qkv, index);
    const isLast = index === layers.length - 1;
    const endLayer = isLast ? undefined : releaseBackward(graph);
    stream = attentionBlock(graph, model, { stream, layer, ragged, attend, wanted: isLast ? wanted : undefined });
    stream = keep(feedForwardBlock(graph, model, { stream, layer }));
    endLayer?.();
  });
  return rmsNorm(graph, stream, { weight: finalNorm, epsilon: model.config.rmsNormEpsilon });
}

/**
 * Where nothing runs backwards, a layer's tensors are forgotten behind it, and the stream is carried on in the memory of its
 * beginning. Call it before the first layer, and its result with each layer's output.
 */
function keepInPlace(graph: Graph, first: Tensor): (stream: Tensor) => Tensor {
  if (graph.isRecording) return (stream) => stream;
  const mark = graph.arena.mark();
  return ({ pointer, rows, columns }) => {
    graph.f32.copyWithin(first.pointer >>> 2, pointer >>> 2, (pointer >>> 2) + rows * columns);
    graph.arena.release(mark);
    return { pointer: first.pointer, rows, columns, gradient: 0 };
  };
}

/**
 * Gradients within a layer are forgotten once the backward pass has left it; that of the stream, which the next layer needs,
 * was made before, in the last layer. Call it before a layer, and its result behind it.
 */
function releaseBackward(graph: Graph): () => void {
  let mark = 0;
  graph.record(() => graph.arena.release(mark));
  return () => graph.record(() => (mark = graph.arena.mark()));
}

/** Logits (rows, vocabularySize) of hidden states. */
export function logitsOf(graph: Graph, model: ForwardModel, hidden: Tensor): Tensor {
  return linear(graph, hidden, { weight: model.parameters.head, packed: model.packed });
}

function attentionBlock(
  graph: Graph,
  model: ForwardModel,
  block: {
    stream: Tensor;
    layer: LayerParameters;
    ragged: RaggedRows;
    attend: (qkv: Tensor) => Tensor;
    wanted: PickedRows | undefined;
  },
): Tensor {
  const { config } = model;
  const { stream, layer, ragged, wanted } = block;
  const normed = rmsNorm(graph, stream, { weight: layer.inputNorm, epsilon: config.rmsNormEpsilon });
  const qkv = linear(graph, normed, dense(model, layer.qkv, layer.qkvBias));
  const { queryNorm, keyNorm } = layer;
  const { heads, kvHeads, rmsNormEpsilon: epsilon } = config;
  if (queryNorm) normaliseHeads(graph, qkv, { weight: queryNorm, epsilon, first: 0, heads });
  if (keyNorm) normaliseHeads(graph, qkv, { weight: keyNorm, epsilon, first: heads, heads: kvHeads });
  rotate(graph, qkv, { rows: ragged, shape: headShape(config) });
  const attended = block.attend(qkv);
  const pick = (x: Tensor): Tensor => (wanted === undefined ? x : pickRows(graph, x, wanted));
  return addResidual(graph, pick(stream), linear(graph, pick(attended), dense(model, layer.output)));
}

function feedForwardBlock(
  graph: Graph,
  model: ForwardModel,
  { stream, layer }: { stream: Tensor; layer: LayerParameters },
): Tensor {
  const normed = rmsNorm(graph, stream, { weight: layer.postNorm, epsilon: model.config.rmsNormEpsilon });
  const hidden = swiglu(graph, linear(graph, normed, dense(model, layer.gateUp)));
  return addResidual(graph, stream, linear(graph, hidden, dense(model, layer.down)));
}

function dense({ packed, adapters }: ForwardModel, weight: Parameter, bias?: Parameter): Parameters<typeof linear>[2] {
  return { weight, bias, packed, adapter: adapters?.get(weight.name) };
}

/** The attention part of a config. */
export function headShape(config: StudentConfig): HeadShape {
  return { heads: config.heads, kvHeads: config.kvHeads, headSize: config.headSize };
}
