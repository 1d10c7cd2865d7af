import { AppError, invariant } from "../core/errors.ts";
import { prng } from "../core/prng.ts";
import type { ParameterGroup } from "../engine/adamw.ts";
import type { Arena } from "../engine/arena.ts";
import type { Parameter } from "../engine/graph.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import type { NamedTensors } from "./checkpoint/safetensors.ts";

/** One transformer block's parameters; q, k, v and gate, up are fused row-wise so that each is one matmul. */
export interface LayerParameters {
  readonly inputNorm: Parameter;
  readonly qkv: Parameter;
  readonly qkvBias: Parameter;
  readonly output: Parameter;
  readonly postNorm: Parameter;
  readonly gateUp: Parameter;
  readonly down: Parameter;
}

/** All parameters of a student in linear memory. */
export interface StudentParameters {
  readonly embedding: Parameter;
  readonly layers: readonly LayerParameters[];
  readonly finalNorm: Parameter;
  /** The embedding itself when the model is tied. */
  readonly head: Parameter;
  /** Matrices (decayed), then norms and biases (not decayed, as Hugging Face's Trainer does). */
  readonly groups: readonly [ParameterGroup, ParameterGroup];
}

/** Where one Hugging Face tensor stands inside a (possibly fused) parameter, as a range of rows. */
interface TensorPlace {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly parameter: string;
  readonly firstRow: number;
}

interface ParameterShape {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly hasDecay: boolean;
}

/** Every parameter's name and shape, matrices first. */
export function parameterShapes(config: StudentConfig): ParameterShape[] {
  const { hiddenSize: C, intermediateSize: I, vocabularySize: V } = config;
  const qkvRows = (config.heads + 2 * config.kvHeads) * config.headSize;
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
    vectors.push(vector(`${layer}.inputNorm`, C), vector(`${layer}.qkvBias`, qkvRows), vector(`${layer}.postNorm`, C));
  }
  if (!config.isTied) matrices.push(matrix("head", V, C));
  return [...matrices, ...vectors, vector("finalNorm", C)];
}

/** Number of trained values. */
export function parameterCount(config: StudentConfig): number {
  return parameterShapes(config).reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}

/** How Hugging Face's tensor names map onto ours. */
function tensorPlaces(config: StudentConfig): TensorPlace[] {
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
      place(`${at}self_attn.q_proj.bias`, [query], `${layer}.qkvBias`),
      place(`${at}self_attn.k_proj.bias`, [key], `${layer}.qkvBias`, query),
      place(`${at}self_attn.v_proj.bias`, [key], `${layer}.qkvBias`, query + key),
      place(`${at}self_attn.o_proj.weight`, [C, query], `${layer}.output`),
      place(`${at}post_attention_layernorm.weight`, [C], `${layer}.postNorm`),
      place(`${at}mlp.gate_proj.weight`, [I, C], `${layer}.gateUp`),
      place(`${at}mlp.up_proj.weight`, [I, C], `${layer}.gateUp`, I),
      place(`${at}mlp.down_proj.weight`, [C, I], `${layer}.down`),
    );
  }
  return places;
}

/** Takes memory for all parameters (and, when training, gradients and both Adam moments, zeroed) from `arena`. */
export function allocateParameters(options: {
  config: StudentConfig;
  arena: Arena;
  f32: Float32Array;
  isTrained: boolean;
}): StudentParameters {
  const { config, arena, f32, isTrained } = options;
  const shapes = parameterShapes(config);
  const slab = (elements: number): number => {
    const pointer = arena.allocate(elements * 4);
    f32.fill(0, pointer >> 2, (pointer >> 2) + elements);
    return pointer;
  };
  const byName = new Map<string, Parameter>();
  const group = (hasDecay: boolean): ParameterGroup => {
    const members = shapes.filter((shape) => shape.hasDecay === hasDecay);
    // Each parameter starts on 16 bytes; the padding stays zero and AdamW leaves zeros zero.
    const padded = (shape: ParameterShape): number => Math.ceil((shape.rows * shape.columns) / 4) * 4;
    const elements = members.reduce((sum, shape) => sum + padded(shape), 0);
    const slabs = Array.from({ length: isTrained ? 4 : 1 }, () => slab(elements));
    const [pointer = 0, gradient = 0, firstMoment = 0, secondMoment = 0] = slabs;
    let offset = 0;
    for (const shape of members) {
      byName.set(shape.name, { ...shape, pointer: pointer + offset, gradient: gradient ? gradient + offset : 0 });
      offset += padded(shape) * 4;
    }
    return { pointer, gradient, firstMoment, secondMoment, elements, hasDecay };
  };
  const groups = [group(true), group(false)] as const;
  return { ...assemble(config, byName), groups };
}

function assemble(config: StudentConfig, byName: ReadonlyMap<string, Parameter>): Omit<StudentParameters, "groups"> {
  const find = (name: string): Parameter => {
    const parameter = byName.get(name);
    invariant(parameter, `no parameter ${name}`);
    return parameter;
  };
  const layers = Array.from({ length: config.layers }, (_, layer) => ({
    inputNorm: find(`${layer}.inputNorm`),
    qkv: find(`${layer}.qkv`),
    qkvBias: find(`${layer}.qkvBias`),
    output: find(`${layer}.output`),
    postNorm: find(`${layer}.postNorm`),
    gateUp: find(`${layer}.gateUp`),
    down: find(`${layer}.down`),
  }));
  return {
    embedding: find("embedding"),
    layers,
    finalNorm: find("finalNorm"),
    head: find(config.isTied ? "embedding" : "head"),
  };
}

function parametersByName(parameters: StudentParameters): Map<string, Parameter> {
  const all = [
    parameters.embedding,
    parameters.finalNorm,
    parameters.head,
    ...parameters.layers.flatMap((layer) => Object.values(layer)),
  ];
  return new Map(all.map((parameter) => [parameter.name, parameter]));
}

/** Copies Hugging Face tensors into memory. Throws `checkpoint-corrupt` naming the first tensor that is missing or misshapen. */
export function importTensors(options: {
  config: StudentConfig;
  parameters: StudentParameters;
  f32: Float32Array;
  tensors: NamedTensors;
}): void {
  const byName = parametersByName(options.parameters);
  for (const place of tensorPlaces(options.config)) {
    const tensor = options.tensors.get(place.tensor);
    if (!tensor)
      throw new AppError("checkpoint-corrupt", `checkpoint has no tensor ${place.tensor}`, {
        hint: "is this a Qwen2 model?",
      });
    if (tensor.shape.join("x") !== place.shape.join("x")) {
      throw new AppError(
        "checkpoint-corrupt",
        `${place.tensor} is ${tensor.shape.join("x")}; the config wants ${place.shape.join("x")}`,
      );
    }
    options.f32.set(tensor.data, elementOf(byName, place));
  }
}

/** The parameters as Hugging Face tensors (copies). */
export function exportTensors(options: {
  config: StudentConfig;
  parameters: StudentParameters;
  f32: Float32Array;
}): NamedTensors {
  const byName = parametersByName(options.parameters);
  return new Map(
    tensorPlaces(options.config).map((place) => {
      const start = elementOf(byName, place);
      const elements = place.shape.reduce((product, size) => product * size, 1);
      return [place.tensor, { shape: place.shape, data: options.f32.slice(start, start + elements) }];
    }),
  );
}

function elementOf(byName: ReadonlyMap<string, Parameter>, place: TensorPlace): number {
  const parameter = byName.get(place.parameter);
  invariant(parameter, `no parameter ${place.parameter}`);
  // A vector is one row, so its rows are its elements.
  return (parameter.pointer >> 2) + place.firstRow * (parameter.rows === 1 ? 1 : parameter.columns);
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
