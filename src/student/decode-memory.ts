import { PANEL_COLUMNS } from "../engine/kernels/kernel.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import { parameterShapes } from "./parameters.ts";

/** Alignment of the arena's allocations, bytes; each of a pass's tensors may lose that much. */
const SLACK_BYTES = 64;
/** Room for small tables of indices. */
const SPARE_BYTES = 1 << 20;
/** Tensors of one layer's pass, rounded up. */
const TENSORS_A_LAYER = 16;

/**
 * Linear memory that a `DecodeSession` needs beyond the backend's own, bytes, for a call of up to `contextTokens` ids:
 * weights, their packed copies, positions, caches, and every tensor of one pass. An upper bound.
 */
export function decodeMemoryBytes(config: StudentConfig, size: { slots: number; contextTokens: number }): number {
  const { hiddenSize, intermediateSize, layers, heads, kvHeads, headSize, vocabularySize } = config;
  const shapes = parameterShapes(config);
  const weights = shapes.reduce((sum, { rows, columns }) => sum + rows * columns + SLACK_BYTES, 0);
  // A tied head is packed too, so the embedding counts twice either way; panels round outputs up.
  const packed = shapes.reduce((sum, { rows, columns }) => sum + (rows + PANEL_COLUMNS) * columns + SLACK_BYTES, 0);
  // A cache may hold whole panels of keys.
  const positions = Math.ceil(size.contextTokens / PANEL_COLUMNS) * PANEL_COLUMNS;
  const caches = layers * (size.slots * positions * 2 * kvHeads * headSize + SLACK_BYTES);
  const rope = size.contextTokens * headSize;
  const attention = (heads + 2 * kvHeads) * headSize + heads * headSize;
  const rowFloats = layers * (6 * hiddenSize + attention + 3 * intermediateSize + 8) + 4 * hiddenSize + 8;
  const pass = size.contextTokens * rowFloats + size.slots * (vocabularySize + hiddenSize);
  const slack = (layers * TENSORS_A_LAYER + 64) * SLACK_BYTES + SPARE_BYTES;
  return 4 * (weights + packed + caches + rope + pass) + slack;
}
