/** @file How much linear memory a training step takes, counted as `Trainer` and the operations allocate it. */
import { headRows } from "../engine/head-loss.ts";
import { panelFloats, SQUARE_CHUNK } from "../engine/kernels/kernel.ts";
import { architectureOf, type StudentConfig } from "./checkpoint/student-config.ts";
import { adapterShapes, type LoraSettings } from "./lora.ts";
import { paddedElements } from "./parameter-memory.ts";
import { type ParameterShape, parameterShapes } from "./parameters.ts";

/** Rows that go through the model together, unless one sequence is longer; see docs/performance.md. */
export const MICRO_ROWS = 1024;
/** Alignment of the arena's allocations, bytes; each may lose that much. */
const SLACK_BYTES = 64;
/** Allocations of one layer, forward and backward, rounded up. */
const TENSORS_A_LAYER = 64;

/** What is trained, and on what. */
export interface TrainSize {
  /** Absent: everything. */
  readonly lora?: Pick<LoraSettings, "rank"> | undefined;
  /** Whether a base under adapters is stored in bf16. */
  readonly isBf16?: boolean | undefined;
  /** Longest sequence, tokens. */
  readonly longestTokens: number;
  /** Rows that go through the model together, unless one sequence is longer. */
  readonly microRows?: number;
}

/** Of the trained parameters, those that products need packed: matrices, but not an embedding that is no head. */
export function packedShapes(config: StudentConfig, trained: readonly ParameterShape[]): ParameterShape[] {
  return trained.filter(({ name, hasDecay }) => hasDecay && (name !== "embedding" || config.isTied));
}

/** Linear memory that a `Trainer` needs beyond the backend's own, bytes. An upper bound, and not a loose one. */
export function trainMemoryBytes(config: StudentConfig, size: TrainSize): number {
  const longest = Math.min(size.longestTokens, config.maxPositions);
  const rows = Math.max(longest, size.microRows ?? MICRO_ROWS);
  return persistentBytes(config, size, longest) + stepBytes(config, size, rows);
}

/**
 * The most rows, of {@link MICRO_ROWS} and its halves, with which a step stays within `limitBytes`; the least if none does.
 * Long sequences go through alone in any case.
 */
export function microRowsWithin(config: StudentConfig, size: Omit<TrainSize, "microRows">, limitBytes: number): number {
  let microRows = MICRO_ROWS;
  while (microRows > 64 && trainMemoryBytes(config, { ...size, microRows }) > limitBytes) microRows /= 2;
  return microRows;
}

function persistentBytes(config: StudentConfig, { lora, isBf16 }: TrainSize, positions: number): number {
  const all = parameterShapes(config);
  const trained = lora ? adapterShapes(config, lora) : all;
  const values = trained.reduce((sum, shape) => sum + paddedElements(shape), 0);
  const panels = packedShapes(config, trained).reduce(
    (sum, { rows, columns }) => sum + panelFloats(columns, rows) + panelFloats(rows, columns),
    0,
  );
  const base = lora
    ? all.reduce((sum, { rows, columns }) => sum + rows * columns * (isBf16 === true && rows > 1 ? 2 : 4), 0)
    : 0;
  const rope = positions * config.headSize;
  // Weights, gradients and both moments; then the partial sums of the gradient's norm.
  const floats = 4 * values + panels + rope + values / SQUARE_CHUNK;
  return 4 * floats + base + SLACK_BYTES * (all.length + 2 * trained.length + 16);
}

/** A step's tensors: activations of every layer, gradients of the last layer and of one more, and what is packed for a moment. */
function stepBytes(config: StudentConfig, { lora, isBf16 }: TrainSize, rows: number): number {
  const { hiddenSize: C, intermediateSize: I, vocabularySize: V, headSize, heads, kvHeads, layers } = config;
  const attended = heads * headSize;
  const turned = (heads + kvHeads) * headSize;
  const qkv = turned + kvHeads * headSize;
  const low = lora ? 7 * lora.rank : 0;
  const isNormed = architectureOf(config) === "qwen3";
  const forward = 4 * C + 3 * I + qkv + attended + heads + 2 + low + (isNormed ? turned + heads + kvHeads : 0);
  const picked = C + attended;
  const backward = 2 * C + 3 * I + qkv + attended + low;
  const ends = 5 * C + 2;
  const rowFloats = layers * forward + picked + 2 * backward + picked + ends + TABLE_FLOATS;
  const logits = Math.min(rows, headRows(V)) * V;
  const slack = SLACK_BYTES * (TENSORS_A_LAYER * layers + 64);
  return 4 * (rows * rowFloats + logits) + momentBytes(config, { lora, isBf16 }, rows) + slack;
}

/** Indices of a row: position, id, number, target, weight, loss, and at most four of its segment. */
const TABLE_FLOATS = 10;

/** The largest thing that is packed for one product: rows for a weight's gradient, or a weight that is not trained. */
function momentBytes(
  config: StudentConfig,
  { lora, isBf16 }: Pick<TrainSize, "lora" | "isBf16">,
  rows: number,
): number {
  const { hiddenSize, intermediateSize, heads, headSize } = config;
  const widest = Math.max(hiddenSize, intermediateSize, heads * headSize, lora ? 3 * lora.rank : 0);
  const ofRows = 4 * panelFloats(rows, widest);
  const matrices = lora ? packedShapes(config, parameterShapes(config)) : [];
  const ofWeights = matrices.map(
    ({ rows: n, columns: k }) => Math.max(panelFloats(k, n), panelFloats(n, k)) * (isBf16 === true ? 2 : 4),
  );
  return Math.max(ofRows, ...ofWeights) + 2 * SLACK_BYTES;
}
