/** @file Exports of the kernel module: every name of `KERNEL_NAMES` (src/engine/kernels/kernel.ts), same arguments. */
export { attentionBackward } from "./attention-backward";
export { attentionForward } from "./attention";
export { appendKeyValues, cachedAttention } from "./attention-cache";
export { headNormBackward, headNormForward, headNormWeightGrad } from "./head-norm";
export { matmul, matmulBf16 } from "./matmul";
export { columnSums, rmsNormBackward, rmsNormForward, rmsNormWeightGrad } from "./norm";
export { adamw, add, scale, sumOfSquares } from "./optimizer";
export { packPanels, packPanelsBf16 } from "./panels";
export { peak } from "./peak";
export {
  crossEntropy,
  embeddingBackward,
  embeddingForward,
  embeddingForwardBf16,
  rope,
  swigluBackward,
  swigluForward,
} from "./rows";
export { setScratch } from "./scratch";
