/** @file Exports of the kernel module: every name of `KERNEL_NAMES` (src/engine/kernels/kernel.ts), same arguments. */
export { attentionBackward } from "./attention-backward";
export { attentionForward } from "./attention";
export { appendKeyValues, cachedAttention } from "./attention-cache";
export { matmul } from "./matmul";
export { columnSums, rmsNormBackward, rmsNormForward, rmsNormWeightGrad } from "./norm";
export { adamw, add, sumOfSquares } from "./optimizer";
export { packPanels } from "./panels";
export { peak } from "./peak";
export {
  crossEntropy,
  embeddingBackward,
  embeddingForward,
  rope,
  swigluBackward,
  swigluForward,
} from "./rows";
export { setScratch } from "./scratch";
