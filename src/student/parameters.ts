/** @file What a student's weights are called, how large they are, and which of ours holds which of Hugging Face's. */
import { prng } from "../core/prng.ts";
import type { NamedTensors } from "./checkpoint/safetensors.ts";
import { architectureOf, type StudentConfig } from "./checkpoint/student-config.ts";

/** Where one Hugging Face tensor stands inside a (possibly fused) parameter, as a range of rows. */
export interface TensorPlace {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly parameter: string;
  readonly firstRow: number;
}

/** One of our parameters: q, k, v and gate, up are fused row-wise, so that each is one matmul. */
export interface ParameterShape {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly hasDecay: boolean;
}

/** Every parameter's name and shape, matrices first. */
export function parameterShapes(config: StudentConfig): ParameterShape[] {
  const { hiddenSize: C, intermediateSize: I, vocabularySize: V } = config;
  const qkvRows = (config.heads + 2 * config.kvHeads) * config.headSize;
  const architecture = architectureOf(config);
  const matrix = (name: string, rows: number, columns: number): ParameterShape => ({
    name,
    rows,
    columns,
    hasDecay: true,
  });
  const vector = (name: string, columns: number): ParameterShape => ({ name, rows: 1, columns, hasDecay: false });
  const matrices = [matrix("embedding", V, C)];
  const vectors: ParameterShape[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    matrices.push(
      matrix(`${layer}.qkv`, qkvRows, C),
      matrix(`${layer}.output`, C, config.heads * config.headSize),
      matrix(`${layer}.gateUp`, 2 * I, C),
      matrix(`${layer}.down`, C, I),
    );
    vectors.push(vector(`${layer}.inputNorm`, C));
    if (architecture === "qwen2") vectors.push(vector(`${layer}.qkvBias`, qkvRows));
    if (architecture === "qwen3")
      vectors.push(vector(`${layer}.queryNorm`, config.headSize), vector(`${layer}.keyNorm`, config.headSize));
    vectors.push(vector(`${layer}.postNorm`, C));
  }
  if (!config.isTied) matrices.push(matrix("head", V, C));
  return [...matrices, ...vectors, vector("finalNorm", C)];
}

/** Number of trained values. */
export function parameterCount(config: StudentConfig): number {
  return parameterShapes(config).reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}

function headPlaces({ architecture, headSize, heads, kvHeads }: StudentConfig, layer: number): TensorPlace[] {
  const at = `model.layers.${layer}.self_attn.`;
  const [query, key] = [heads * headSize, kvHeads * headSize];
  const place = (tensor: string, rows: number, parameter: string, firstRow = 0): TensorPlace => ({
    tensor: `${at}${tensor}`,
    shape: [rows],
    parameter: `${layer}.${parameter}`,
    firstRow,
  });
  if (architecture === "llama") return [];
  if (architecture === "qwen3")
    return [place("q_norm.weight", headSize, "queryNorm"), place("k_norm.weight", headSize, "keyNorm")];
  return [
    place("q_proj.bias", query, "qkvBias"),
    place("k_proj.bias", key, "qkvBias", query),
    place("v_proj.bias", key, "qkvBias", query + key),
  ];
}

/** How Hugging Face's tensor names map onto ours. */
export function tensorPlaces(config: StudentConfig): TensorPlace[] {
  const { hiddenSize: C, intermediateSize: I, vocabularySize: V, headSize: D } = config;
  const query = config.heads * D;
  const key = config.kvHeads * D;
  const place = (tensor: string, shape: readonly number[], parameter: string, firstRow = 0): TensorPlace => ({
    tensor,
    shape,
    parameter,
    firstRow,
  });
  const places = [
    place("model.embed_tokens.weight", [V, C], "embedding"),
    place("model.norm.weight", [C], "finalNorm"),
  ];
  if (!config.isTied) places.push(place("lm_head.weight", [V, C], "head"));
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}.`;
    places.push(
      place(`${at}input_layernorm.weight`, [C], `${layer}.inputNorm`),
      place(`${at}self_attn.q_proj.weight`, [query, C], `${layer}.qkv`),
      place(`${at}self_attn.k_proj.weight`, [key, C], `${layer}.qkv`, query),
      place(`${at}self_attn.v_proj.weight`, [key, C], `${layer}.qkv`, query + key),
      ...headPlaces(config, layer),
      place(`${at}self_attn.o_proj.weight`, [C, query], `${layer}.output`),
      place(`${at}post_attention_layernorm.weight`, [C], `${layer}.postNorm`),
      place(`${at}mlp.gate_proj.weight`, [I, C], `${layer}.gateUp`),
      place(`${at}mlp.up_proj.weight`, [I, C], `${layer}.gateUp`, I),
      place(`${at}mlp.down_proj.weight`, [C, I], `${layer}.down`),
    );
  }
  return places;
}

/**
 * Fresh weights: normal with deviation 0.02, output projections scaled by 1/sqrt(2 layers) (Radford et al. 2019), norms 1,
 * biases 0. The same seed gives the same tensors.
 */
export function initialTensors(config: StudentConfig, seed: number): NamedTensors {
  return new Map(
    tensorPlaces(config).map(({ tensor, shape }) => {
      const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
      if (tensor.includes("norm")) data.fill(1);
      else if (!tensor.endsWith("bias")) {
        const random = prng(`initial-weights/${seed}/${tensor}`);
        const isOutput = tensor.includes("o_proj") || tensor.includes("down_proj");
        const deviation = 0.02 / (isOutput ? Math.sqrt(2 * config.layers) : 1);
        for (let i = 0; i < data.length; i++) data[i] = random.normal() * deviation;
      }
      return [tensor, { shape, data }];
    }),
  );
}
