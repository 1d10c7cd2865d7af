/** @file Forward pass, gradients and ten AdamW steps against PyTorch and peft (fixtures/torch), on every kernel build of this host. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { createWasmBackend } from "../src/adapters/threads/create-backend.ts";
import { parseStudentConfig } from "../src/student/checkpoint/student-config.ts";
import { decodeSafetensors, type NamedTensors } from "../src/student/checkpoint/safetensors.ts";
import { DecodeSession } from "../src/student/decode-session.ts";
import { type LoraSettings, mergeAdapter } from "../src/student/lora.ts";
import { Trainer, type TrainSequence } from "../src/student/trainer.ts";

interface Case {
  readonly adamw: {
    learningRate: number;
    beta1: number;
    beta2: number;
    epsilon: number;
    weightDecay: number;
    maxGradientNorm: number;
  };
  readonly batches: readonly (readonly { inputIds: number[]; labels: number[] }[])[];
  readonly losses: readonly { token: number; example: number }[];
  readonly steps: readonly { loss: number; gradientNorm: number }[];
}

const RELAXED = WebAssembly.validate(
  readFileSync(fileURLToPath(new URL("../dist/engine/kernels/wasm/kernels-relaxed.wasm", import.meta.url))),
);
const BUILDS = ["reference", "simd", ...(RELAXED ? (["relaxed"] as const) : [])] as const;
const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

async function backendOf(build: (typeof BUILDS)[number]) {
  const { backend, close } = await createWasmBackend({
    threads: build === "reference" ? 1 : 2,
    memoryBytes: 64 << 20,
    build,
  });
  closers.push(close);
  return backend;
}

function load(name: string) {
  const folder = new URL(`../fixtures/torch/${name}/`, import.meta.url);
  const read = (file: string): Buffer => readFileSync(new URL(file, folder));
  return {
    config: parseStudentConfig(JSON.parse(read("config.json").toString())),
    tensors: decodeSafetensors(read("model.safetensors")),
    expected: decodeSafetensors(read("expected.safetensors")),
    case: JSON.parse(read("case.json").toString()) as Case,
    lora: JSON.parse(read("lora.json").toString()) as Case & { readonly lora: LoraSettings },
    expectedLora: decodeSafetensors(read("lora.safetensors")),
  };
}

/** Largest |a - b| over the values, relative to the tensor's largest value (at least `floor`). */
function gap(actual: ArrayLike<number>, wanted: ArrayLike<number>, floor: number): number {
  expect(actual.length).toBe(wanted.length);
  let largest = floor;
  let difference = 0;
  for (let i = 0; i < wanted.length; i++) {
    largest = Math.max(largest, Math.abs(wanted[i]!));
    difference = Math.max(difference, Math.abs(actual[i]! - wanted[i]!));
  }
  return difference / largest;
}

function compareAll(actual: NamedTensors, expected: NamedTensors, prefix: string): void {
  for (const [name, { data }] of actual) {
    const wanted = expected.get(prefix + name);
    expect(wanted, prefix + name).toBeDefined();
    // f32 on both sides with other orders of summation: 1e-5 of the largest value leaves a margin of ten.
    expect(gap(data, wanted!.data, 1e-4), prefix + name).toBeLessThan(1e-4);
  }
}

const NAMES = ["qwen2-tied", "qwen2-untied", "qwen3", "llama"] as const;

describe.each(NAMES)("%s", (name) => {
  const fixture = load(name);
  const { config, tensors, expected } = fixture;

  test.each(BUILDS)("logits, losses and gradients, %s kernels", async (build) => {
    const backend = await backendOf(build);
    for (const [b, batch] of fixture.case.batches.entries()) {
      for (const [s, { inputIds }] of batch.entries()) {
        const wanted = expected.get(`logits/${b}/${s}`)!;
        const session = new DecodeSession(backend, { config, tensors }, { slots: 1, contextTokens: 64 });
        inputIds.forEach((id, t) => {
          const [logits] = session.extend([{ slot: 0, ids: [id] }]);
          // Twenty units in the last place of f32, a tenth of what the acceptance allows.
          const own = wanted.data.subarray(t * config.vocabularySize, (t + 1) * config.vocabularySize);
          expect(gap(logits!, own, 1)).toBeLessThan(1e-5);
        });
      }
      for (const reduction of ["token", "example"] as const) {
        const trainer = new Trainer(backend, { config, tensors });
        const { loss } = trainer.accumulate(batch as readonly TrainSequence[], reduction);
        expect(Math.abs(loss - fixture.case.losses[b]![reduction])).toBeLessThan(2e-6);
        if (reduction === "token") compareAll(trainer.exportGradients(), expected, `gradient/${b}/`);
      }
    }
  });

  test.each(BUILDS)("ten steps of AdamW with clipping, %s kernels", async (build) => {
    const trainer = new Trainer(await backendOf(build), { config, tensors });
    fixture.case.steps.forEach((wanted, i) => {
      const batch = fixture.case.batches[i % fixture.case.batches.length]!;
      const { loss, gradientNorm } = trainer.step(batch, {
        ...fixture.case.adamw,
        step: i + 1,
        lossReduction: "token",
      });
      // Adam divides by the root of tiny second moments in its first steps, which widens f32 noise.
      expect(Math.abs(loss - wanted.loss), `loss ${i}`).toBeLessThan(2e-5);
      expect(Math.abs(gradientNorm - wanted.gradientNorm) / wanted.gradientNorm, `norm ${i}`).toBeLessThan(2e-4);
    });
    for (const [tensor, { data }] of trainer.exportTensors()) {
      expect(gap(data, expected.get(`trained/${tensor}`)!.data, 0.1), tensor).toBeLessThan(1e-3);
    }
  });
});

describe.each(NAMES)("adapters on %s", (name) => {
  const { config, tensors, lora: fixture, expectedLora } = load(name);
  const part = (prefix: string): NamedTensors =>
    new Map(
      [...expectedLora].flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [])),
    );
  const open = async (build: (typeof BUILDS)[number]) =>
    new Trainer(await backendOf(build), { config, tensors }, { lora: { ...fixture.lora, adapter: part("adapter/") } });

  test.each(BUILDS)("losses and gradients, %s kernels", async (build) => {
    for (const [b, batch] of fixture.batches.entries()) {
      for (const reduction of ["token", "example"] as const) {
        const trainer = await open(build);
        const { loss } = trainer.accumulate(batch as readonly TrainSequence[], reduction);
        expect(Math.abs(loss - fixture.losses[b]![reduction])).toBeLessThan(5e-6);
        if (reduction === "example") continue;
        const gradients = trainer.exportGradients();
        expect([...gradients.keys()].sort()).toEqual([...part(`gradient/${b}/`).keys()].sort());
        compareAll(gradients, expectedLora, `gradient/${b}/`);
      }
    }
  });

  test.each(BUILDS)("ten steps, and the merged weights, %s kernels", async (build) => {
    const trainer = await open(build);
    fixture.steps.forEach((wanted, i) => {
      const batch = fixture.batches[i % fixture.batches.length]!;
      const options = { ...fixture.adamw, step: i + 1, lossReduction: "token" } as const;
      const { loss, gradientNorm } = trainer.step(batch, options);
      expect(Math.abs(loss - wanted.loss), `loss ${i}`).toBeLessThan(5e-5);
      expect(Math.abs(gradientNorm - wanted.gradientNorm) / wanted.gradientNorm, `norm ${i}`).toBeLessThan(5e-4);
    });
    const adapter = trainer.exportTensors();
    for (const [tensor, { data }] of adapter)
      expect(gap(data, expectedLora.get(`trained/${tensor}`)!.data, 0.1), tensor).toBeLessThan(1e-3);
    const merged = mergeAdapter(config, { tensors, adapter: part("trained/"), settings: fixture.lora });
    for (const [tensor, { data }] of merged)
      expect(gap(data, expectedLora.get(`merged/${tensor}`)!.data, 1), tensor).toBeLessThan(1e-6);
  });
});
