import type { Backend } from "./backend.ts";
import { SQUARE_CHUNK } from "./kernels/kernel.ts";

/** A run of parameters that stand one after another in memory and are stepped alike. */
export interface ParameterGroup {
  readonly pointer: number;
  readonly gradient: number;
  readonly firstMoment: number;
  readonly secondMoment: number;
  readonly elements: number;
  readonly hasDecay: boolean;
}

/** One step's settings; `step` counts from 1. */
export interface AdamWStep {
  readonly step: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Gradients are scaled so that their joint Euclidean norm is at most this. */
  readonly maxGradientNorm: number;
}

/**
 * Clips by the global norm, steps every group (Loshchilov & Hutter 2019) and zeroes the gradients. `scratch` points to
 * one float per 4,096 elements of the largest group.
 * @returns the gradient norm before clipping.
 * @source torch.nn.utils.clip_grad_norm_ (with its 1e-6) and torch.optim.AdamW; parity: fixtures/torch
 */
export function stepAdamW(
  backend: Backend,
  groups: readonly ParameterGroup[],
  options: AdamWStep & { readonly scratch: number },
): number {
  const f32 = new Float32Array(backend.buffer, 0, Math.floor(backend.buffer.byteLength / 4));
  let squares = 0;
  for (const group of groups) {
    const chunks = Math.ceil(group.elements / SQUARE_CHUNK);
    backend.run("sumOfSquares", chunks, 1, group.gradient, group.elements, options.scratch);
    for (let chunk = 0; chunk < chunks; chunk++) squares += f32[(options.scratch >>> 2) + chunk];
  }
  const norm = Math.sqrt(squares);
  const scale = Math.min(1, options.maxGradientNorm / (norm + 1e-6));
  const { step, learningRate, beta1, beta2, epsilon } = options;
  for (const group of groups) {
    backend.run(
      "adamw",
      group.elements,
      SQUARE_CHUNK,
      group.pointer,
      group.gradient,
      group.firstMoment,
      group.secondMoment,
      learningRate,
      beta1,
      beta2,
      epsilon,
      group.hasDecay ? options.weightDecay : 0,
      1 - beta1 ** step,
      1 - beta2 ** step,
      scale,
    );
    f32.fill(0, group.gradient >>> 2, (group.gradient >>> 2) + group.elements);
  }
  return norm;
}
