import { AppError } from "../core/errors.ts";
import { Arena } from "../engine/arena.ts";
import type { Backend } from "../engine/backend.ts";
import type { Parameter } from "../engine/graph.ts";
import { PackedWeights, packWeight, panelBytes } from "../engine/packed-weights.ts";
import type { StoredTensors } from "./checkpoint/safetensors.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import {
  allocateFrozen,
  assembleParameters,
  importTensors,
  isStoredAsBf16,
  type StudentParameters,
} from "./parameter-memory.ts";
import { type ParameterShape, parameterShapes } from "./parameters.ts";

/** A student that only decodes. */
export interface LoadedStudent {
  readonly parameters: StudentParameters;
  readonly packed: PackedWeights;
  /** First byte behind it. */
  readonly end: number;
}

/**
 * Puts a student into memory for decoding: matrices as panels alone (bf16 where the checkpoint is), the embedding also row by
 * row, norms and biases in f32. Each matrix passes through the end of the memory, which later holds a pass's tensors.
 *
 * @throws {AppError} limit-exceeded, checkpoint-corrupt
 */
export function loadForDecoding(
  backend: Backend,
  { config, tensors }: { readonly config: StudentConfig; readonly tensors: StoredTensors },
): LoadedStudent {
  const { buffer, heapBase } = backend;
  const isBf16 = isStoredAsBf16(config, tensors);
  const stage = Math.floor((buffer.byteLength - stagingBytes(config, isBf16)) / 64) * 64;
  if (stage <= heapBase)
    throw new AppError("limit-exceeded", `engine memory of ${buffer.byteLength} bytes is too small for the student`, {
      hint: "give the engine more memory, or use a smaller student",
    });
  const arena = new Arena(heapBase, stage);
  const packed = new PackedWeights(arena);
  const parameters = new Map<string, Parameter>();
  const pack = (weight: Parameter): void => {
    const pointer = arena.allocate(panelBytes(weight, "transposed"));
    packWeight({ backend }, weight, "transposed", pointer);
    packed.adopt(weight.name, { pointer, isBf16: weight.isBf16 === true });
  };
  for (const shape of parameterShapes(config)) {
    const isStaged = shape.hasDecay && shape.name !== "embedding";
    const place = isStaged ? new Arena(stage, buffer.byteLength) : arena;
    const parameter = allocateFrozen(shape, place, isBf16(shape));
    parameters.set(shape.name, parameter);
    importTensors({ config, parameters: new Map([[shape.name, parameter]]), buffer, tensors });
    if (isStaged || (shape.name === "embedding" && config.isTied)) pack(parameter);
  }
  return { parameters: assembleParameters(config, parameters), packed, end: arena.mark() };
}

/** The largest matrix that is packed and not kept. */
export function stagingBytes(config: StudentConfig, isBf16: (shape: ParameterShape) => boolean): number {
  const staged = parameterShapes(config).filter(({ name, hasDecay }) => hasDecay && name !== "embedding");
  return 128 + Math.max(...staged.map((shape) => shape.rows * shape.columns * (isBf16(shape) ? 2 : 4)));
}
