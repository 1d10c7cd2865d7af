/** @file A student's parameters in linear memory: taking it, filling it from Hugging Face's tensors, and reading it again. */
import { AppError, invariant } from "../core/errors.ts";
import type { ParameterGroup } from "../engine/adamw.ts";
import type { Arena } from "../engine/arena.ts";
import type { Parameter } from "../engine/graph.ts";
import { widenBf16 } from "./checkpoint/bf16.ts";
import type { NamedTensors, StoredTensors } from "./checkpoint/safetensors.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import { type ParameterShape, parameterShapes, type TensorPlace, tensorPlaces } from "./parameters.ts";

/** One transformer block's parameters; q, k, v and gate, up are fused row-wise so that each is one matmul. */
export interface LayerParameters {
  readonly inputNorm: Parameter;
  readonly qkv: Parameter;
  /** Qwen2's. */
  readonly qkvBias: Parameter | undefined;
  /** Qwen3's. */
  readonly queryNorm: Parameter | undefined;
  readonly keyNorm: Parameter | undefined;
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
}

/** Parameters by our names. */
export type ParameterMap = ReadonlyMap<string, Parameter>;

/**
 * Takes memory for parameters with their gradients and both Adam moments, zeroed: matrices, then norms and biases, which are
 * not decayed, as in Hugging Face's Trainer.
 */
export function allocateTrained(
  shapes: readonly ParameterShape[],
  { arena, f32 }: { arena: Arena; f32: Float32Array },
): { parameters: Map<string, Parameter>; groups: ParameterGroup[] } {
  const parameters = new Map<string, Parameter>();
  const slab = (elements: number): number => {
    const pointer = arena.allocate(elements * 4);
    f32.fill(0, pointer >>> 2, (pointer >>> 2) + elements);
    return pointer;
  };
  const groups = [true, false].flatMap((hasDecay): ParameterGroup[] => {
    const members = shapes.filter((shape) => shape.hasDecay === hasDecay);
    if (members.length === 0) return [];
    const elements = members.reduce((sum, shape) => sum + paddedElements(shape), 0);
    const [pointer = 0, gradient = 0, firstMoment = 0, secondMoment = 0] = Array.from({ length: 4 }, () =>
      slab(elements),
    );
    let offset = 0;
    for (const { name, rows, columns } of members) {
      parameters.set(name, { name, rows, columns, pointer: pointer + offset, gradient: gradient + offset });
      offset += paddedElements({ rows, columns }) * 4;
    }
    return [{ pointer, gradient, firstMoment, secondMoment, elements, hasDecay }];
  });
  return { parameters, groups };
}

/** Each parameter starts on 16 bytes; the padding stays zero and AdamW leaves zeros zero. */
export function paddedElements({ rows, columns }: Pick<ParameterShape, "rows" | "columns">): number {
  return Math.ceil((rows * columns) / 4) * 4;
}

/** Takes memory for a parameter that is not trained. */
export function allocateFrozen({ name, rows, columns }: ParameterShape, arena: Arena, isBf16: boolean): Parameter {
  return { name, rows, columns, gradient: 0, isBf16, pointer: arena.allocate(rows * columns * (isBf16 ? 2 : 4)) };
}

/** Whether all of a parameter's tensors are bf16, so that it may stay so; norms and biases are always widened. */
export function isStoredAsBf16(config: StudentConfig, tensors: StoredTensors): (shape: ParameterShape) => boolean {
  const others = new Set(
    tensorPlaces(config).flatMap(({ tensor, parameter }) =>
      tensors.get(tensor)?.data instanceof Uint16Array ? [] : [parameter],
    ),
  );
  return ({ name, rows }) => rows > 1 && !others.has(name);
}

/** Whether every matrix of a checkpoint is bf16. */
export function areMatricesBf16(config: StudentConfig, tensors: StoredTensors): boolean {
  const isBf16 = isStoredAsBf16(config, tensors);
  return parameterShapes(config).every((shape) => !shape.hasDecay || isBf16(shape));
}

/** The parameters in their roles. */
export function assembleParameters(config: StudentConfig, parameters: ParameterMap): StudentParameters {
  const find = (name: string): Parameter => {
    const parameter = parameters.get(name);
    invariant(parameter, `no parameter ${name}`);
    return parameter;
  };
  const layers = Array.from({ length: config.layers }, (_, layer) => ({
    inputNorm: find(`${layer}.inputNorm`),
    qkv: find(`${layer}.qkv`),
    qkvBias: parameters.get(`${layer}.qkvBias`),
    queryNorm: parameters.get(`${layer}.queryNorm`),
    keyNorm: parameters.get(`${layer}.keyNorm`),
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

/**
 * Copies Hugging Face's tensors into the parameters given; others are left out.
 *
 * @throws {AppError} checkpoint-corrupt, naming the first tensor that is missing or misshapen
 */
export function importTensors(options: {
  readonly config: StudentConfig;
  readonly parameters: ParameterMap;
  readonly buffer: ArrayBufferLike;
  readonly tensors: StoredTensors;
}): void {
  for (const place of tensorPlaces(options.config)) {
    const parameter = options.parameters.get(place.parameter);
    if (parameter) importTensor(options.buffer, parameter, place, options.tensors);
  }
}

function importTensor(buffer: ArrayBufferLike, parameter: Parameter, place: TensorPlace, tensors: StoredTensors): void {
  const tensor = tensors.get(place.tensor);
  if (!tensor)
    throw new AppError("checkpoint-corrupt", `checkpoint has no tensor ${place.tensor}`, {
      hint: "do config.json and the weights come from one model?",
    });
  if (tensor.shape.join("x") !== place.shape.join("x"))
    throw new AppError(
      "checkpoint-corrupt",
      `${place.tensor} is ${tensor.shape.join("x")}; the config wants ${place.shape.join("x")}`,
    );
  const { data } = tensor;
  const start = elementOf(parameter, place);
  if (parameter.isBf16 !== true) {
    new Float32Array(buffer, parameter.pointer + start * 4, data.length).set(
      data instanceof Uint16Array ? widenBf16(data) : data,
    );
    return;
  }
  invariant(data instanceof Uint16Array, `${place.tensor}: f32 values for a parameter of bf16`);
  new Uint16Array(buffer, parameter.pointer + start * 2, data.length).set(data);
}

/** Copies of the trained parameters, or of their gradients, as Hugging Face's tensors. */
export function exportTensors(
  config: StudentConfig,
  parameters: ParameterMap,
  { f32, what = "pointer" }: { readonly f32: Float32Array; readonly what?: "pointer" | "gradient" },
): NamedTensors {
  return new Map(
    tensorPlaces(config).flatMap((place) => {
      const parameter = parameters.get(place.parameter);
      if (parameter === undefined) return [];
      const start = (parameter[what] >>> 2) + elementOf(parameter, place);
      const elements = place.shape.reduce((product, size) => product * size, 1);
      return [[place.tensor, { shape: place.shape, data: f32.slice(start, start + elements) }]];
    }),
  );
}

/** The first element of a tensor within its parameter; a vector is one row, so its rows are its elements. */
function elementOf(parameter: Parameter, { firstRow }: TensorPlace): number {
  return firstRow * (parameter.rows === 1 ? 1 : parameter.columns);
}

/** Parameters of a student that stay as they are, each in its own memory; bf16 where `isBf16` says so. */
export function allocateBase(
  config: StudentConfig,
  arena: Arena,
  isBf16: (shape: ParameterShape) => boolean,
): Map<string, Parameter> {
  return new Map(
    parameterShapes(config).map((shape) => [shape.name, allocateFrozen(shape, arena, isBf16(shape))] as const),
  );
}
