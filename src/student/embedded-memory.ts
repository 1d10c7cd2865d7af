/** @file Whether a student fits into the embedded engine: 32-bit WebAssembly addresses 4 GiB, and no more. */
import { AppError } from "../core/errors.ts";
import { heapBaseOf } from "../engine/kernels/wasm/memory-layout.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import { decodeMemoryBytes, type DecodeSize } from "./decode-memory.ts";
import { microRowsWithin, trainMemoryBytes, type TrainSize } from "./train-memory.ts";

/** All that a memory of 32-bit WebAssembly can have, but for its last page: a pointer behind the end must be one too. */
export const MAX_ENGINE_BYTES = 2 ** 32 - 65_536;

/** How a run uses the engine. */
export interface EmbeddedUse {
  readonly method: "full" | "lora";
  /** Rank of the adapters; ignored unless `method` is lora. */
  readonly rank: number;
  readonly precision: "auto" | "f32" | "bf16";
  /** Whether the base's matrices are bf16 in its files. */
  readonly isBaseBf16: boolean;
  /** Longest example, tokens. */
  readonly longestTokens: number;
  /** Most sequences decoded together; fewer where there is no room. */
  readonly slots: number;
  readonly threads: number;
}

/**
 * Bytes of linear memory that training takes and that decoding takes, each an upper bound: with as few rows and sequences at
 * once as it may come to. Either may exceed {@link MAX_ENGINE_BYTES}; then the engine refuses.
 */
export function embeddedMemory(config: StudentConfig, use: EmbeddedUse): { trainBytes: number; decodeBytes: number } {
  const isBf16 = use.isBaseBf16 || use.precision === "bf16";
  const lora = use.method === "lora" ? { rank: use.rank } : undefined;
  const heapBase = heapBaseOf(use.threads);
  const training = fitTraining(config, { lora, isBf16, longestTokens: use.longestTokens }, heapBase);
  const decoding = fitDecoding(
    config,
    {
      slots: use.slots,
      contextTokens: config.maxPositions,
      // Base and student are decoded one after the other.
      isBf16: use.isBaseBf16 && use.precision === "bf16",
    },
    heapBase,
  );
  return { trainBytes: training.bytes, decodeBytes: decoding.bytes };
}

/** Rows of a pass with which training fits, and the memory that it then takes, `heapBase` included. */
export function fitTraining(
  config: StudentConfig,
  size: Omit<TrainSize, "microRows">,
  heapBase: number,
): { microRows: number; bytes: number } {
  const microRows = microRowsWithin(config, size, MAX_ENGINE_BYTES - heapBase);
  return { microRows, bytes: heapBase + trainMemoryBytes(config, { ...size, microRows }) };
}

/** As many of the sequences as fit together, at least one, and the memory that they take, `heapBase` included. */
export function fitDecoding(
  config: StudentConfig,
  size: DecodeSize,
  heapBase: number,
): { slots: number; bytes: number } {
  let { slots } = size;
  const bytes = (): number => heapBase + decodeMemoryBytes(config, { ...size, slots });
  while (slots > 1 && bytes() > MAX_ENGINE_BYTES) slots = Math.floor(slots / 2);
  return { slots, bytes: bytes() };
}

/**
 * Passes what fits.
 *
 * @throws {AppError} limit-exceeded, with both sizes
 */
export function checkEmbedded(what: "training" | "decoding", bytes: number): void {
  if (bytes <= MAX_ENGINE_BYTES) return;
  throw new AppError(
    "limit-exceeded",
    `${what} this student needs ${gibibytes(bytes)} of the 4 GiB that WebAssembly has`,
    {
      hint:
        what === "training"
          ? "train it with a launcher (train.launcher); train.method lora, train.precision bf16 and shorter examples need less"
          : "serve it elsewhere and evaluate it with --endpoint URL --model NAME; train.precision bf16 and a smaller max_position_embeddings need less",
      data: { bytes, maxBytes: MAX_ENGINE_BYTES },
    },
  );
}

function gibibytes(bytes: number): string {
  return `${(Math.ceil((bytes / 2 ** 30) * 10) / 10).toFixed(1)} GiB`;
}
