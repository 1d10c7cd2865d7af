// The two students that speed is measured on, and a batch for each.

/** The demo's student: 0.83 M parameters. */
export const DEMO = {
  vocabularySize: 320,
  hiddenSize: 128,
  intermediateSize: 384,
  layers: 4,
  heads: 4,
  kvHeads: 2,
  headSize: 32,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-6,
  maxPositions: 1024,
  isTied: true,
};

/** 6.9 M parameters: hidden 256, 6 layers, 4 heads, vocabulary 4,096. */
export const SEVEN_MILLION = {
  ...DEMO,
  vocabularySize: 4096,
  hiddenSize: 256,
  intermediateSize: 696,
  layers: 6,
  kvHeads: 4,
  headSize: 64,
  isTied: false,
};

export const STEP_OPTIONS = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradientNorm: 1,
  lossReduction: "token",
};

/** Predicted tokens of 16 sequences, all of one length: nothing to pad. */
export const evenLengths = (length) => Array.from({ length: 16 }, () => length);

/** A batch as the demo has them: every sixteenth of its 1,000 examples by length (seed 0, 2026-11-24). */
export const DEMO_LENGTHS = [77, 92, 98, 110, 121, 131, 143, 150, 159, 175, 222, 247, 278, 309, 354, 435];

/** Sequences of so many predicted tokens: ids in rows. */
export function batchIds(lengths) {
  return lengths.map((length, row) => Array.from({ length: length + 1 }, (_, i) => (row * 31 + i * 17) % 300));
}

export const sequencesOf = (ids) => ids.map((inputIds) => ({ inputIds, labels: inputIds }));
