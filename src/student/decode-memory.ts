import { panelFloats, PANEL_COLUMNS } from "../engine/kernels/kernel.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import { stagingBytes } from "./load-for-decoding.ts";
import { parameterShapes } from "./parameters.ts";

/** Alignment of the arena's allocations, bytes; each of a pass's tensors may lose that much. */
const SLACK_BYTES = 64;
/** Room for small tables of indices. */
const SPARE_BYTES = 1 << 20;
/** Tensors of one layer's pass, rounded up. */
const TENSORS_A_LAYER = 16;
/** Rows of one forward pass; longer sequences are read in several. */
export const MAX_ROWS = 2048;

/** How much is decoded at once. */
export interface DecodeSize {
  readonly slots: number;
  readonly contextTokens: number;
  /** Whether the checkpoint's matrices are bf16, and so stay in memory. */
  readonly isBf16?: boolean | undefined;
}

/**
 * Linear memory that a `DecodeSession` needs beyond the backend's own, bytes, whatever fits into its slots is read: panels of the weights, positions, caches, and every tensor of one pass. An upper bound.
 */
export function decodeMemoryBytes(config: StudentConfig, size: DecodeSize): number {
  const { hiddenSize, intermediateSize, layers, heads, kvHeads, headSize, vocabularySize } = config;
  const staged = stagingBytes(config, () => size.isBf16 === true);
  // A cache may hold whole panels of keys.
  const positions = Math.ceil(size.contextTokens / PANEL_COLUMNS) * PANEL_COLUMNS;
  const caches = layers * (size.slots * positions * 2 * kvHeads * headSize + SLACK_BYTES);
  const rope = size.contextTokens * headSize;
  const rows = Math.min(MAX_ROWS, size.slots * size.contextTokens);
  const attention = (heads + 2 * kvHeads) * headSize + heads * headSize;
  const rowFloats = 7 * hiddenSize + attention + 3 * intermediateSize + heads * headSize + 16;
  const pass = rows * rowFloats + size.slots * (vocabularySize + hiddenSize);
  const slack = (layers + TENSORS_A_LAYER + 64) * SLACK_BYTES + SPARE_BYTES;
  return weightBytes(config, size) + Math.max(staged, 4 * (caches + rope + pass)) + slack;
}

/** Panels of every matrix; the embedding's rows, which are packed once more where they are the head; norms and biases. */
function weightBytes(config: StudentConfig, { isBf16 = false }: DecodeSize): number {
  return parameterShapes(config).reduce((sum, { name, rows, columns, hasDecay }) => {
    const bytes = hasDecay && isBf16 ? 2 : 4;
    const isEmbedding = name === "embedding";
    const asRows = !hasDecay || isEmbedding ? rows * columns : 0;
    const asPanels = hasDecay && (!isEmbedding || config.isTied) ? panelFloats(columns, rows) : 0;
    return sum + bytes * (asRows + asPanels) + 2 * SLACK_BYTES;
  }, 0);
}
