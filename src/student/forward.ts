import type { Graph, Tensor } from "../engine/graph.ts";
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
import type { StudentConfig } from "./checkpoint/student-config.ts";
import type { LayerParameters, StudentParameters } from "./parameters.ts";

/** What a forward pass needs of the model. */
export interface ForwardModel {
  readonly config: StudentConfig;
  readonly parameters: StudentParameters;
  readonly packed: PackedWeights;
}

/** How a layer attends: over the batch itself (training) or over a key-value cache (decoding). Gets rotated qkv rows. */
export type Attend = (qkv: Tensor, layer: number) => Tensor;

/** Some rows of a pass, by their numbers in ascending order (an i32 pointer). */
export interface PickedRows {
  readonly indices: number;
  readonly count: number;
}

/**
 * The Qwen2 decoder up to and including the final norm: hidden states (wanted.count, hiddenSize) of the `wanted` rows among
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
  layers.forEach((layer, index) => {
    const attend = (qkv: Tensor): Tensor => batch.attend(qkv, index);
    const isLast = index === layers.length - 1;
    stream = attentionBlock(graph, model, { stream, layer, ragged, attend, wanted: isLast ? wanted : undefined });
    stream = feedForwardBlock(graph, model, { stream, layer });
  });
  return rmsNorm(graph, stream, { weight: finalNorm, epsilon: model.config.rmsNormEpsilon });
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
  const { packed, config } = model;
  const { stream, layer, ragged, wanted } = block;
  const normed = rmsNorm(graph, stream, { weight: layer.inputNorm, epsilon: config.rmsNormEpsilon });
  const qkv = linear(graph, normed, { weight: layer.qkv, bias: layer.qkvBias, packed });
  rotate(graph, qkv, { rows: ragged, shape: headShape(config) });
  const attended = block.attend(qkv);
  const pick = (x: Tensor): Tensor => (wanted === undefined ? x : pickRows(graph, x, wanted));
  return addResidual(graph, pick(stream), linear(graph, pick(attended), { weight: layer.output, packed }));
}

function feedForwardBlock(
  graph: Graph,
  model: ForwardModel,
  { stream, layer }: { stream: Tensor; layer: LayerParameters },
): Tensor {
  const { packed, config } = model;
  const normed = rmsNorm(graph, stream, { weight: layer.postNorm, epsilon: config.rmsNormEpsilon });
  const hidden = swiglu(graph, linear(graph, normed, { weight: layer.gateUp, packed }));
  return addResidual(graph, stream, linear(graph, hidden, { weight: layer.down, packed }));
}

/** The attention part of a config. */
export function headShape(config: StudentConfig): HeadShape {
  return { heads: config.heads, kvHeads: config.kvHeads, headSize: config.headSize };
}

/**
 * Cosines and sines for every position: rows of D/2 cosines then D/2 sines, angles position * theta^(-2i/D). Angles are
 * rounded to f32 at each step, as transformers computes them, so that long contexts agree to 1e-6.
 */
export function ropeTable(config: StudentConfig, positions: number): Float32Array {
  const half = config.headSize / 2;
  const table = new Float32Array(positions * config.headSize);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const frequency = Math.fround(1 / Math.fround(config.ropeTheta ** ((2 * i) / config.headSize)));
      const angle = Math.fround(position * frequency);
      table[position * config.headSize + i] = Math.cos(angle);
      table[position * config.headSize + half + i] = Math.sin(angle);
    }
  }
  return table;
}
