import { describe, expect, test } from "vitest";
import { prng } from "../core/prng.ts";
import type { Backend } from "../engine/backend.ts";
import { referenceKernels } from "../engine/kernels/reference/reference-kernels.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";
import type { NamedTensors } from "./checkpoint/safetensors.ts";
import { DecodeSession } from "./decode-session.ts";
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

describe.each([true, false])("gradients, tied %s", (isTied) => {
  const config = { ...CONFIG, isTied };
  test.each(["token", "example"] as const)("agree with central differences, loss per %s", (reduction) => {
    const tensors = lively(config);
    const trainer = new Trainer(testBackend(), { config, tensors });
    trainer.accumulate(sequences(), reduction);
    const gradients = trainer.exportGradients();
    const lossWith = (): number =>
      new Trainer(testBackend(), { config, tensors }).accumulate(sequences(), reduction).loss;
    for (const [name, { data }] of tensors) {
      const random = prng(`pick/${name}`);
      for (let probe = 0; probe < 3; probe++) {
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
