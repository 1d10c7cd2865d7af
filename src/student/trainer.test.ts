import { describe, expect, test } from "vitest";
import { prng } from "../core/prng.ts";
import type { Backend } from "../engine/backend.ts";
import { referenceKernels } from "../engine/kernels/reference/reference-kernels.ts";
import { roundTensors, widenTensors } from "./checkpoint/bf16.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import type { NamedTensors } from "./checkpoint/safetensors.ts";
import { DecodeSession } from "./decode-session.ts";
import { initialAdapter, mergeAdapter } from "./lora.ts";
import { initialTensors, parameterCount } from "./parameters.ts";
import { Trainer, type TrainSequence } from "./trainer.ts";

const CONFIG: StudentConfig = {
  vocabularySize: 21,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headSize: 4,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-6,
  maxPositions: 64,
  isTied: true,
};

function testBackend(bytes = 16 << 20): Backend {
  const buffer = new ArrayBuffer(bytes);
  const kernels = referenceKernels(buffer);
  const run: Backend["run"] = (name, items, _grain, ...args) => {
    (kernels[name] as (...numbers: number[]) => void)(...(args as number[]), 0, items);
  };
  return { kernelBuild: "reference", threads: 1, buffer, heapBase: 16, run };
}

/** Weights ten times the usual size and biases off zero, so that no gradient is too small to check. */
function lively(config: StudentConfig): NamedTensors {
  const tensors = initialTensors(config, 1);
  for (const [name, { data }] of tensors) {
    const random = prng(`lively/${name}`);
    for (let i = 0; i < data.length; i++)
      data[i] = name.includes("norm") ? 1 + 0.2 * random.normal() : 0.25 * random.normal();
  }
  return tensors;
}

function sequences(): TrainSequence[] {
  const random = prng("sequences");
  return [5, 9, 2].map((length) => {
    const inputIds = Array.from({ length }, () => random.int(0, CONFIG.vocabularySize - 1));
    return { inputIds, labels: inputIds.map((id, i) => (i < 1 || (i === 3 && length > 5) ? -100 : id)) };
  });
}

const OPTIONS = {
  step: 1,
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 1e-4,
  maxGradientNorm: 1,
  lossReduction: "token",
} as const;

const FAMILIES: readonly StudentConfig[] = [
  CONFIG,
  { ...CONFIG, isTied: false },
  { ...CONFIG, architecture: "qwen3", isTied: false },
  { ...CONFIG, architecture: "llama" },
];

describe.each(FAMILIES)("gradients, $architecture, tied $isTied", (config) => {
  // How a batch is weighed has nothing to do with the family.
  const reductions = config.architecture ? (["token"] as const) : (["token", "example"] as const);
  test.each(reductions)("agree with central differences, loss per %s", (reduction) => {
    const tensors = lively(config);
    const trainer = new Trainer(testBackend(), { config, tensors });
    trainer.accumulate(sequences(), reduction);
    const gradients = trainer.exportGradients();
    const lossWith = (): number =>
      new Trainer(testBackend(), { config, tensors }).accumulate(sequences(), reduction).loss;
    for (const [name, { data }] of tensors) {
      const random = prng(`pick/${name}`);
      for (let probe = 0; probe < 2; probe++) {
        const i = random.int(0, data.length - 1);
        const value = data[i];
        const delta = 1e-2;
        data[i] = value + delta;
        const up = lossWith();
        data[i] = value - delta;
        const down = lossWith();
        data[i] = value;
        const numeric = (up - down) / (2 * delta);
        // f32 activations leave about 1e-6 of noise in the loss, 1e-4 in the quotient; the rest is the cubic term.
        expect(Math.abs(numeric - gradients.get(name)!.data[i]), `${name}[${i}]`).toBeLessThan(
          2e-3 + 0.02 * Math.abs(numeric),
        );
      }
    }
  });
});

function withNoise(tensors: NamedTensors): NamedTensors {
  for (const [name, { data }] of tensors) {
    const random = prng(`lively/${name}`);
    for (let i = 0; i < data.length; i++) data[i] = 0.25 * random.normal();
  }
  return tensors;
}

describe("training", () => {
  test("learns one batch by heart, and a resumed trainer makes the same bytes", () => {
    const trainer = new Trainer(testBackend(), { config: CONFIG, tensors: initialTensors(CONFIG, 7) });
    const first = trainer.step(sequences(), OPTIONS).loss;
    let loss = first;
    for (let step = 2; step <= 60; step++) loss = trainer.step(sequences(), { ...OPTIONS, step }).loss;
    expect(first).toBeGreaterThan(2.9);
    expect(loss).toBeLessThan(0.2);

    const resumed = new Trainer(testBackend(), { config: CONFIG, tensors: trainer.exportTensors() });
    resumed.importOptimizer(trainer.exportOptimizer());
    for (const each of [trainer, resumed]) each.step(sequences(), { ...OPTIONS, step: 61 });
    expect(resumed.exportTensors()).toEqual(trainer.exportTensors());
  });

  test.each([false, true])("adapters alone are trained, and resumed to the byte, on a base in bf16: %s", (isBf16) => {
    const plain = lively(CONFIG);
    const tensors = isBf16 ? roundTensors(plain) : plain;
    const settings = { rank: 2, alpha: 8 };
    const open = (adapter: NamedTensors): Trainer =>
      new Trainer(testBackend(), { config: CONFIG, tensors }, { lora: { ...settings, adapter } });
    const start = initialAdapter(CONFIG, settings, 3);
    const trainer = open(start);
    const untouched = new Trainer(testBackend(), { config: CONFIG, tensors });
    // B is zero, so that the student starts as its base.
    const batch = sequences();
    const base = untouched.accumulate(batch, "token").loss;
    let loss = trainer.step(batch, OPTIONS).loss;
    expect(loss).toBeCloseTo(base, 6);
    for (let step = 2; step <= 20; step++) loss = trainer.step(batch, { ...OPTIONS, step }).loss;
    expect(loss).toBeLessThan(base - 1.5);
    const saved = trainer.exportTensors();
    expect([...saved].some(([name, { data }]) => name.includes("lora_A") && data[0] !== start.get(name)!.data[0])).toBe(
      true,
    );

    const resumed = open(saved);
    resumed.importOptimizer(trainer.exportOptimizer());
    for (const each of [trainer, resumed]) each.step(batch, { ...OPTIONS, step: 21 });
    expect(resumed.exportTensors()).toEqual(trainer.exportTensors());

    const merged = mergeAdapter(CONFIG, { tensors: widenTensors(tensors), adapter: trainer.exportTensors(), settings });
    const whole = new Trainer(testBackend(), { config: CONFIG, tensors: merged }).accumulate(batch, "token").loss;
    expect(whole).toBeCloseTo(trainer.accumulate(batch, "token").loss, 5);
  });

  test("adapters see the same base in bf16 as in f32, to the bit", () => {
    const rounded = roundTensors(initialTensors(CONFIG, 7));
    const adapter = withNoise(initialAdapter(CONFIG, { rank: 2, alpha: 4 }, 3));
    const gradients = [rounded, widenTensors(rounded)].map((tensors) => {
      const trainer = new Trainer(testBackend(), { config: CONFIG, tensors }, { lora: { rank: 2, alpha: 4, adapter } });
      return [trainer.accumulate(sequences(), "token"), trainer.exportGradients()];
    });
    expect(gradients[0]).toEqual(gradients[1]);
  });

  test("a sequence longer than what was prepared for is refused", () => {
    const tensors = initialTensors(CONFIG, 7);
    const trainer = new Trainer(testBackend(), { config: CONFIG, tensors }, { longestTokens: 8 });
    expect(() => trainer.step(sequences(), OPTIONS)).toThrow(/9 tokens exceeds the 8 prepared for/);
  });

  test("a batch takes the same memory every step: where the first just fits, so do all later ones", () => {
    const tensors = initialTensors(CONFIG, 7);
    const losses = (bytes: number, steps: number): number[] => {
      const trainer = new Trainer(testBackend(bytes), { config: CONFIG, tensors });
      return Array.from(
        { length: steps },
        (_, i) => trainer.step(sequences(), { ...OPTIONS, step: i + 1, learningRate: 0 }).loss,
      );
    };
    let [tooSmall, least] = [0, 16 << 20];
    while (least - tooSmall > 64) {
      const bytes = 64 * Math.floor((least + tooSmall) / 128);
      try {
        losses(bytes, 1);
        least = bytes;
      } catch (error) {
        expect(error).toMatchObject({ code: "limit-exceeded" });
        tooSmall = bytes;
      }
    }
    expect(new Set(losses(least, 8)).size).toBe(1);
  });

  test("parameters are counted as Hugging Face counts them", () => {
    const { hiddenSize: C, intermediateSize: I, vocabularySize: V, layers: L } = CONFIG;
    const layer = 16 * C + 16 + 2 * (8 * C + 8) + 16 * C + 3 * C * I + 2 * C;
    expect(parameterCount(CONFIG)).toBe(V * C + L * layer + C);
    expect(parameterCount({ ...CONFIG, isTied: false })).toBe(2 * V * C + L * layer + C);
  });
});

describe("gradients of adapters", () => {
  test.each(FAMILIES)("agree with central differences, $architecture", (config) => {
    const settings = { rank: 2, alpha: 3 };
    const adapter = withNoise(initialAdapter(config, settings, 3));
    const tensors = lively(config);
    const open = (): Trainer => new Trainer(testBackend(), { config, tensors }, { lora: { ...settings, adapter } });
    const trainer = open();
    trainer.accumulate(sequences(), "token");
    const gradients = trainer.exportGradients();
    expect(gradients.size).toBe(2 * 7 * config.layers);
    for (const [name, { data }] of adapter) {
      const i = prng(`pick/${name}`).int(0, data.length - 1);
      const value = data[i]!;
      const [up, down] = [value + 1e-2, value - 1e-2].map((changed) => {
        data[i] = changed;
        return open().accumulate(sequences(), "token").loss;
      });
      data[i] = value;
      const numeric = (up! - down!) / 2e-2;
      expect(Math.abs(numeric - gradients.get(name)!.data[i]!), `${name}[${i}]`).toBeLessThan(
        2e-3 + 0.02 * Math.abs(numeric),
      );
    }
  });
});

describe("decoding", () => {
  const ids = sequences()[1]!.inputIds as number[];
  const open = () =>
    new DecodeSession(testBackend(), { config: CONFIG, tensors: lively(CONFIG) }, { slots: 4, contextTokens: 32 });

  test("a cached token by token decode gives the very logits of one whole pass, beside other slots or alone", () => {
    const whole = open()
      .extend([{ slot: 0, ids }])[0]!
      .slice();
    const session = open();
    session.extend([
      { slot: 2, ids: ids.slice(0, 4) },
      { slot: 1, ids: [3] },
    ]);
    let last: Float32Array = new Float32Array();
    for (const id of ids.slice(4))
      last = session
        .extend([
          { slot: 1, ids: [id] },
          { slot: 2, ids: [id] },
        ])[1]!
        .slice();
    expect(last).toEqual(whole);
  });

  test.each(FAMILIES)("bf16 gives the very logits of the same values in f32, $architecture", (config) => {
    const rounded = roundTensors(lively(config));
    const [narrow, wide] = [rounded, widenTensors(rounded)].map((tensors) => {
      const session = new DecodeSession(testBackend(), { config, tensors }, { slots: 1, contextTokens: 32 });
      return [ids.slice(0, 5), [1], [2]].map((part) => session.extend([{ slot: 0, ids: part }])[0]!.slice());
    });
    expect(narrow).toEqual(wide);
  });

  test("truncation forgets: what follows is as if the rest had never been", () => {
    const session = open();
    session.extend([{ slot: 3, ids: [...ids.slice(0, 4), 1, 1, 1] }]);
    session.truncate(3, 4);
    expect(session.length(3)).toBe(4);
    const continued = session.extend([{ slot: 3, ids: ids.slice(4) }])[0]!.slice();
    expect(continued).toEqual(
      open()
        .extend([{ slot: 0, ids }])[0]!
        .slice(),
    );
  });

  test("past the context is refused and changes nothing", () => {
    const session = open();
    session.extend([{ slot: 0, ids }]);
    expect(() => session.extend([{ slot: 0, ids: new Array<number>(30).fill(1) }])).toThrow(
      /39 tokens exceeds the context of 32/,
    );
    expect(session.length(0)).toBe(ids.length);
  });
});

test("a batch too long for one pass gives the gradients of its sequences together", () => {
  const config = { ...CONFIG, maxPositions: 1024, layers: 1 };
  const tensors = lively(config);
  const random = prng("long sequences");
  const batch = [600, 500, 40].map((length): TrainSequence => {
    const inputIds = Array.from({ length }, () => random.int(0, CONFIG.vocabularySize - 1));
    return { inputIds, labels: inputIds };
  });
  const open = (): Trainer => new Trainer(testBackend(), { config, tensors });
  const together = open();
  const { loss, tokens } = together.accumulate(batch, "example");
  const alone = open();
  const losses = batch.map((sequence) => alone.accumulate([sequence], "example").loss);
  expect(tokens).toBe(599 + 499 + 39);
  expect(loss).toBeCloseTo(losses.reduce((sum, value) => sum + value, 0) / batch.length, 5);
  const sums = alone.exportGradients();
  for (const [name, { data }] of together.exportGradients()) {
    const expected = sums.get(name)!.data.map((value) => value / batch.length);
    const largest = Math.max(...expected.map(Math.abs));
    // Weights of 1/3 instead of 1 round differently in f32: 1e-7 a term, over some hundred terms.
    data.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5 * largest + 1e-9));
  }
});
