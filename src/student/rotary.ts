import type { RopeScaling } from "./checkpoint/rope-scaling.ts";
import type { StudentConfig } from "./checkpoint/student-config.ts";

/**
 * Cosines and sines for every position: rows of D/2 cosines then D/2 sines, angles position * frequency. Angles are
 * rounded to f32 at each step, as transformers computes them, so that long contexts agree to 1e-6.
 */
export function ropeTable(config: StudentConfig, positions: number): Float32Array {
  const half = config.headSize / 2;
  const table = new Float32Array(positions * config.headSize);
  const frequencies = ropeFrequencies(config);
  const size = config.ropeScaling?.type === "yarn" ? config.ropeScaling.attentionFactor : 1;
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(position * (frequencies[i] ?? 0));
      table[position * config.headSize + i] = size * Math.cos(angle);
      table[position * config.headSize + half + i] = size * Math.sin(angle);
    }
  }
  return table;
}

/** theta^(-2i/D) for i < D/2 (Su et al. 2021), scaled as the config says; in f32, as transformers rounds. */
export function ropeFrequencies(config: StudentConfig): Float32Array {
  const { headSize, ropeTheta, ropeScaling } = config;
  if (ropeScaling?.type === "yarn") return yarnFrequencies(config, ropeScaling);
  return Float32Array.from({ length: headSize / 2 }, (_, i) =>
    scaled(Math.fround(1 / Math.fround(ropeTheta ** ((2 * i) / headSize))), ropeScaling),
  );
}

type Yarn = RopeScaling & { readonly type: "yarn" };

/** Frequencies that turn often within the first context stay, slow ones are divided by the factor, those between are mixed. */
function yarnFrequencies({ headSize, ropeTheta }: StudentConfig, scaling: Yarn): Float32Array {
  const { factor, originalPositions, fastTurns, slowTurns, isTruncated } = scaling;
  const placeOf = (turns: number): number =>
    (headSize * Math.log(originalPositions / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  const [first, last] = [placeOf(fastTurns), placeOf(slowTurns)];
  const low = Math.max(isTruncated ? Math.floor(first) : first, 0);
  const high = Math.min(isTruncated ? Math.ceil(last) : last, headSize - 1);
  const width = high === low ? 0.001 : high - low;
  return Float32Array.from({ length: headSize / 2 }, (_, i) => {
    const power = Math.fround(ropeTheta ** ((2 * i) / headSize));
    const slowShare = Math.fround(Math.min(1, Math.max(0, (i - low) / width)));
    return Math.fround(1 / Math.fround(factor * power)) * slowShare + Math.fround(1 / power) * (1 - slowShare);
  });
}

/** @source transformers' modeling_rope_utils; parity: fixtures/torch, python/tests/test_model_parity.py */
function scaled(frequency: number, scaling: Exclude<RopeScaling, Yarn> | undefined): number {
  if (scaling === undefined) return frequency;
  const slow = Math.fround(frequency / scaling.factor);
  if (scaling.type === "linear") return slow;
  const { originalPositions, lowFrequency, highFrequency } = scaling;
  const wave = (2 * Math.PI) / frequency;
  if (wave < originalPositions / highFrequency) return frequency;
  if (wave > originalPositions / lowFrequency) return slow;
  const share = (originalPositions / wave - lowFrequency) / (highFrequency - lowFrequency);
  return Math.fround((1 - share) * slow + share * frequency);
}
