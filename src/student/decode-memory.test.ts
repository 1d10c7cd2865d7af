import { describe, expect, it } from "vitest";
import { ReferenceBackend } from "../engine/kernels/reference/reference-backend.ts";
import { roundTensors } from "./checkpoint/bf16.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import { decodeMemoryBytes } from "./decode-memory.ts";
import { DecodeSession } from "./decode-session.ts";
import { initialTensors } from "./parameters.ts";

const CONFIG: StudentConfig = {
  vocabularySize: 21,
  hiddenSize: 12,
  intermediateSize: 20,
  layers: 3,
  heads: 4,
  kvHeads: 2,
  headSize: 6,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-6,
  maxPositions: 93,
  isTied: true,
};
/** What the estimate spares for small tables; taken off again here, so that the sum itself is tested. */
const SPARE_BYTES = 1 << 20;

describe.each([
  ["tied", CONFIG],
  ["not tied", { ...CONFIG, isTied: false, vocabularySize: 77 }],
  ["wide feed-forward", { ...CONFIG, intermediateSize: 200, kvHeads: 4 }],
  ["deep", { ...CONFIG, layers: 9, kvHeads: 1 }],
  ["of Qwen3", { ...CONFIG, architecture: "qwen3" } as const],
])("memory for decoding, %s", (_name, config) => {
  it("holds a call that fills the whole context, and is no more than 1.6 times what that takes", () => {
    const size = { slots: 1, contextTokens: config.maxPositions };
    const bytes = decodeMemoryBytes(config, size);
    const ids = Array.from({ length: size.contextTokens }, (_, at) => at % config.vocabularySize);
    const call = (memory: number) => {
      const session = new DecodeSession(
        new ReferenceBackend(memory),
        { config, tensors: initialTensors(config, 0) },
        size,
      );
      return session.extend([{ slot: 0, ids }]);
    };
    expect(call(bytes - SPARE_BYTES)[0]).toHaveLength(config.vocabularySize);
    expect(() => call((bytes - SPARE_BYTES) / 1.6)).toThrow("engine memory");
  });
});

it("memory for decoding halves with bf16, and holds more slots than a pass has rows", () => {
  const config = { ...CONFIG, layers: 1 };
  const size = { slots: 70, contextTokens: 30 };
  const tensors = roundTensors(initialTensors(config, 0));
  const bytes = decodeMemoryBytes(config, { ...size, isBf16: true });
  const session = new DecodeSession(new ReferenceBackend(bytes - SPARE_BYTES), { config, tensors }, size);
  const ids = Array.from({ length: size.contextTokens }, (_, at) => at % config.vocabularySize);
  const logits = session.extend(Array.from({ length: size.slots }, (_, slot) => ({ slot, ids })));
  expect(logits).toHaveLength(70);
  expect(logits[69]).toEqual(logits[0]);
  const wide = { ...config, hiddenSize: 512, intermediateSize: 2048 };
  const one = { slots: 1, contextTokens: 8 };
  const halved = decodeMemoryBytes(wide, { ...one, isBf16: true }) - SPARE_BYTES;
  expect(halved / (decodeMemoryBytes(wide, one) - SPARE_BYTES)).toBeLessThan(0.6);
});
