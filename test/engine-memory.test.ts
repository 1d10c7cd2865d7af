/** @file The engine's memory: pointers past 2 GiB, growth, and students that do not fit. */
import { afterEach, expect, test } from "vitest";
import { type EngineHost, openEngine } from "../src/adapters/engine/open-engine.ts";
import { type CreatedBackend, createWasmBackend } from "../src/adapters/threads/create-backend.ts";
import type { Backend } from "../src/engine/backend.ts";
import { roundTensors } from "../src/student/checkpoint/bf16.ts";
import type { StudentConfig } from "../src/student/checkpoint/student-config.ts";
import { DecodeSession } from "../src/student/decode-session.ts";
import { initialAdapter } from "../src/student/lora.ts";
import { initialTensors } from "../src/student/parameters.ts";
import { Trainer } from "../src/student/trainer.ts";

const CONFIG: StudentConfig = {
  vocabularySize: 48,
  hiddenSize: 32,
  intermediateSize: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headSize: 8,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-6,
  maxPositions: 128,
  isTied: true,
  architecture: "qwen3",
};
const TENSORS = initialTensors(CONFIG, 5);
const STEP = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradientNorm: 1,
  lossReduction: "token",
} as const;
const BATCH = [40, 7, 90].map((length, row) => {
  const inputIds = Array.from({ length }, (_, i) => (row * 7 + i * 5) % 48);
  return { inputIds, labels: inputIds };
});

const open: (EngineHost | CreatedBackend)[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** Trains all, trains adapters on bf16, and decodes, with the heap where it is told. */
function everything(backend: Backend, heapBase: number): unknown {
  const at: Backend = {
    kernelBuild: backend.kernelBuild,
    threads: backend.threads,
    buffer: backend.buffer,
    heapBase,
    run: backend.run.bind(backend),
  };
  const whole = new Trainer(at, { config: CONFIG, tensors: TENSORS });
  const losses = [1, 2].map((step) => whole.step(BATCH, { ...STEP, step }));
  const tensors = whole.exportTensors();
  const rounded = roundTensors(tensors);
  const settings = { rank: 3, alpha: 6 };
  const lora = { ...settings, adapter: initialAdapter(CONFIG, settings, 1) };
  const adapters = new Trainer(at, { config: CONFIG, tensors: rounded }, { lora });
  losses.push(...[1, 2].map((step) => adapters.step(BATCH, { ...STEP, step })));
  const logits = [tensors, rounded].map((each) => {
    const session = new DecodeSession(at, { config: CONFIG, tensors: each }, { slots: 2, contextTokens: 64 });
    return session.extend([{ slot: 1, ids: [3, 5, 9, 2] }])[0]!.slice();
  });
  return { losses, tensors, adapter: adapters.exportTensors(), logits };
}

test("pointers past 2 GiB give the same bytes, on helper threads too", async () => {
  const created = await createWasmBackend({ threads: 2, memoryBytes: 2 ** 31 + (256 << 20) });
  open.push(created);
  const { backend } = created;
  expect(everything(backend, 2 ** 31 - 8192)).toEqual(everything(backend, backend.heapBase));
});

test("an extension longer than a pass is read in parts, to the same bits", async () => {
  const config = { ...CONFIG, maxPositions: 2200, layers: 1 };
  const created = await createWasmBackend({ threads: 1, memoryBytes: 128 << 20 });
  open.push(created);
  const long = Array.from({ length: 2100 }, (_, i) => (i * i) % 48);
  const extend = (...parts: readonly number[][]): Float32Array => {
    const size = { slots: 1, contextTokens: 2200 };
    const session = new DecodeSession(created.backend, { config, tensors: initialTensors(config, 5) }, size);
    const [last] = parts.map((ids) => session.extend([{ slot: 0, ids }])[0]!.slice()).slice(-1);
    expect(session.length(0)).toBe(2100);
    return last!;
  };
  expect(extend(long)).toEqual(extend(long.slice(0, 1000), long.slice(1000)));
});

test("an engine opened small grows to what a student needs", async () => {
  const small = await openEngine({ threads: 2, memoryBytes: 1 << 20 });
  const large = await openEngine({ threads: 2, memoryBytes: 512 << 20 });
  open.push(small, large);
  const model = { config: CONFIG, tensors: TENSORS };
  const results = [];
  for (const engine of [small, large]) {
    await engine.loadTrainer(model);
    const { loss } = await engine.trainStep(BATCH, { ...STEP, step: 1 });
    const { tensors } = await engine.exportTrainer();
    await engine.loadDecoder({ config: CONFIG, tensors }, { slots: 2, contextTokens: 128, choosableIds: 48 });
    results.push({ loss, tensors, logits: await engine.logits([{ slot: 0, ids: [1, 2, 3] }]) });
  }
  expect(results[0]).toEqual(results[1]);
});

test("what 4 GiB cannot hold is refused with its size, before any of it is taken", async () => {
  const engine = await openEngine({ threads: 1, memoryBytes: 1 << 20 });
  open.push(engine);
  const config = { ...CONFIG, vocabularySize: 1 << 20, hiddenSize: 2048 };
  const model = { config, tensors: new Map() };
  await expect(engine.loadTrainer(model)).rejects.toMatchObject({
    code: "limit-exceeded",
    message: expect.stringMatching(/training this student needs \d+\.\d GiB of the 4 GiB/) as string,
    hint: expect.stringContaining("train.launcher") as string,
  });
  await expect(engine.loadDecoder(model, { slots: 1, contextTokens: 8, choosableIds: 8 })).rejects.toMatchObject({
    code: "limit-exceeded",
    message: expect.stringMatching(/decoding this student needs \d+\.\d GiB of the 4 GiB/) as string,
  });
});

test("slots that do not fit together become fewer", async () => {
  const engine = await openEngine({ threads: 1, memoryBytes: 1 << 20 });
  open.push(engine);
  // A cache of 128 MiB a slot and layer: 16 slots would be 4 GiB.
  const config = { ...CONFIG, maxPositions: 1 << 20, layers: 2 };
  const tensors = initialTensors(config, 5);
  const size = { slots: 16, contextTokens: 1 << 20, choosableIds: 48 };
  expect((await engine.loadDecoder({ config, tensors }, size)).slots).toBe(8);
});
