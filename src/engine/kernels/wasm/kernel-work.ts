/** @file How much one item of each kernel costs, so that tiny kernels stay on the calling thread. */
import type { KernelArguments } from "../../backend.ts";
import { SQUARE_CHUNK, type KernelName } from "../kernel.ts";

type WorkOf<Name extends KernelName> = (args: KernelArguments<Name>, items: number, i32: Int32Array) => number;

/**
 * Work of one item in flops; memory traffic and exponentials are counted as the flops that would take as long. Only the
 * order of magnitude matters: it decides between one thread and several, never a result.
 */
export const WORK_PER_ITEM: { readonly [Name in KernelName]: WorkOf<Name> } = {
  packPanels: ([, k]) => 16 * k,
  matmul: ([, , , , , , k, n]) => 2 * k * n,
  rmsNormForward: ([, , , , channels]) => 8 * channels,
  rmsNormBackward: ([, , , , , channels]) => 12 * channels,
  rmsNormWeightGrad: ([, , , , rows]) => 4 * rows,
  columnSums: ([, , rows]) => 2 * rows,
  rope: ([, , , heads, headSize]) => 4 * heads * headSize,
  attentionForward: ([, , , , , , , , segments, heads, , headSize], items, i32) =>
    4 * (headSize + 10) * meanScores(i32, segments, items / heads),
  attentionBackward: ([, , , , , , , , , , , , segments, heads, kvHeads, headSize], items, i32) =>
    10 * (heads / kvHeads) * (headSize + 10) * meanScores(i32, segments, items / kvHeads),
  swigluForward: ([, , hidden]) => 24 * hidden,
  swigluBackward: ([, , , hidden]) => 40 * hidden,
  embeddingForward: ([, , , channels]) => 4 * channels,
  embeddingBackward: ([, , , rows]) => 4 * rows,
  crossEntropy: ([, , , , vocabulary]) => 40 * vocabulary,
  add: () => 3,
  appendKeyValues: ([, , , , , , kvHeads, headSize]) => 8 * kvHeads * headSize,
  cachedAttention: ([, , , , , , segments, heads, kvHeads, headSize], items, i32) =>
    4 * (heads / kvHeads) * (headSize + 10) * meanScores(i32, segments, items / kvHeads),
  sumOfSquares: () => 2 * SQUARE_CHUNK,
  adamw: () => 30,
  headNormForward: ([, , , , heads, headSize]) => 10 * heads * headSize,
  headNormBackward: ([, , , , heads, headSize]) => 12 * heads * headSize,
  headNormWeightGrad: ([, , , , rows, heads]) => 4 * rows * heads,
  packPanelsBf16: ([, k]) => 16 * k,
  matmulBf16: ([, , , , , , k, n]) => 2 * k * n,
  embeddingForwardBf16: ([, , , channels]) => 4 * channels,
  scale: () => 3,
};

/** Scores computed per segment and head, on average: each query sees the keys before it. */
function meanScores(i32: Int32Array, segments: number, count: number): number {
  let total = 0;
  for (let at = segments >>> 2; at < (segments >>> 2) + 4 * count; at += 4) {
    const queries = i32[at + 1];
    total += queries * (i32[at + 3] - (queries - 1) / 2);
  }
  return total / Math.max(1, count);
}

/** Items that a thread should take in multiples of, for the cache lines they share. For matmul it is the tile's height. */
export const ITEM_MULTIPLE: { readonly [Name in KernelName]?: number } = {
  rmsNormWeightGrad: 16,
  columnSums: 16,
  headNormWeightGrad: 16,
  embeddingBackward: 16,
  add: 1024,
  scale: 1024,
  adamw: 1024,
};
