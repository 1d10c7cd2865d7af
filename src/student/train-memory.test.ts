import { describe, expect, it } from "vitest";
import { ReferenceBackend } from "../engine/kernels/reference/reference-backend.ts";
import { roundTensors } from "./checkpoint/bf16.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import { checkEmbedded, embeddedMemory } from "./embedded-memory.ts";
import { initialAdapter } from "./lora.ts";
import { initialTensors } from "./parameters.ts";
import { type TrainSize, trainMemoryBytes } from "./train-memory.ts";
import { Trainer } from "./trainer.ts";

const CONFIG: StudentConfig = {
  vocabularySize: 131,
  hiddenSize: 36,
  intermediateSize: 52,
  layers: 3,
  heads: 4,
  kvHeads: 2,
  headSize: 8,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-6,
  maxPositions: 64,
  isTied: true,
};
const STEP = {
  step: 1,
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradientNorm: 1,
  lossReduction: "token",
} as const;
const FULL = { longestTokens: 24, microRows: 48 };
const LORA = { ...FULL, lora: { rank: 4, alpha: 8 } };
const ids = (length: number): number[] => Array.from({ length }, (_, i) => i % 131);
// Rows of one token each come to the most segments, long ones to the most rows at once.
const BATCHES = [[24, 25, 2], Array.from({ length: 50 }, () => 2), [24]].map((lengths) =>
  lengths.map((length) => ({ inputIds: ids(Math.min(24, length)), labels: ids(Math.min(24, length)) })),
);

describe.each<[string, Partial<StudentConfig>, TrainSize & { lora?: { rank: number; alpha: number } }]>([
  ["tied", {}, FULL],
  ["not tied", { isTied: false }, FULL],
  ["of Qwen3, deep", { architecture: "qwen3", layers: 9, kvHeads: 1 }, FULL],
  ["of Llama, wide feed-forward", { architecture: "llama", intermediateSize: 300 }, FULL],
  ["adapters", {}, LORA],
  ["adapters of Qwen3, not tied", { architecture: "qwen3", isTied: false }, LORA],
  ["adapters on bf16", { isTied: false, intermediateSize: 200 }, { ...LORA, isBf16: true }],
])("memory for training, %s", (_name, change, size) => {
  it("holds any batch, and is no more than 1.6 times what the fullest takes", () => {
    const config = { ...CONFIG, ...change };
    const plain = initialTensors(config, 0);
    const tensors = size.isBf16 === true ? roundTensors(plain) : plain;
    const bytes = trainMemoryBytes(config, size);
    const backend = new ReferenceBackend(16 + bytes);
    const lora = size.lora && { ...size.lora, adapter: initialAdapter(config, size.lora, 1) };
    const trainer = new Trainer(backend, { config, tensors }, { ...size, ...(lora && { lora }) } as never);
    BATCHES.forEach((batch, i) => trainer.step(batch, { ...STEP, step: i + 1 }));
    expect(trainer.peakBytes).toBeLessThanOrEqual(16 + bytes);
    expect(bytes / trainer.peakBytes).toBeLessThan(1.6);
  });
});

/** Qwen2.5-0.5B. */
const HALF_BILLION: StudentConfig = {
  vocabularySize: 151_936,
  hiddenSize: 896,
  intermediateSize: 4864,
  layers: 24,
  heads: 14,
  kvHeads: 2,
  headSize: 64,
  ropeTheta: 1e6,
  rmsNormEpsilon: 1e-6,
  maxPositions: 32_768,
  isTied: true,
};

describe("what fits into 4 GiB", () => {
  const use = { method: "lora", rank: 16, isBaseBf16: true, longestTokens: 1024, slots: 16, threads: 2 } as const;

  it("a student of half a billion parameters trains with adapters on bf16, and decodes", () => {
    const { trainBytes, decodeBytes } = embeddedMemory(HALF_BILLION, { ...use, precision: "bf16" });
    // 0.99 GB of weights and 2.4 MB of activations a row; panels twice for the embedding, and 24 KiB of cache a token.
    expect(trainBytes).toBeGreaterThan(3e9);
    expect(decodeBytes).toBeGreaterThan(1.26e9 + 32_768 * 24_576);
    for (const bytes of [trainBytes, decodeBytes]) expect(() => checkEmbedded("training", bytes)).not.toThrow();
  });

  it("but not as a whole: that is refused, with the size", () => {
    const { trainBytes } = embeddedMemory(HALF_BILLION, { ...use, method: "full", precision: "f32" });
    // 24 bytes a parameter (weight, gradient, two moments, two packed copies) are 11 GiB.
    expect(trainBytes).toBeGreaterThan(11 * 2 ** 30);
    expect(() => checkEmbedded("training", trainBytes)).toThrow(
      expect.objectContaining({
        code: "limit-exceeded",
        message: expect.stringMatching(
          /^training this student needs 1[1-4]\.\d GiB of the 4 GiB that WebAssembly has$/,
        ) as string,
        hint: expect.stringContaining("train.launcher") as string,
      }),
    );
  });
});
