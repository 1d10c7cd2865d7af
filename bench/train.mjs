// Training and decoding speed of the demo's student on this machine; `--json` ends with one JSON line of figures.
import { cpus } from "node:os";
import { openEngine } from "../dist/adapters/engine/open-engine.js";
import { initialTensors, parameterCount } from "../dist/student/parameters.js";

const config = {
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
const OPTIONS = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 1e-4,
  maxGradientNorm: 1,
  lossReduction: "token",
};
const LENGTH = 226;
const batch = Array.from({ length: 16 }, (_, row) => {
  const inputIds = Array.from({ length: LENGTH }, (_, i) => (row * 31 + i * 17) % 300);
  return { inputIds, labels: inputIds };
});
const tensors = initialTensors(config, 0);
const figures = {};
for (const threads of [1, 2]) {
  const engine = await openEngine({ threads, memoryBytes: 1 << 30 });
  const { kernelBuild } = await engine.describe();
  await engine.loadTrainer({ config, tensors });
  for (let step = 1; step <= 3; step++) await engine.trainStep(batch, { ...OPTIONS, step });
  const times = [];
  for (let step = 4; step <= 15; step++) {
    const start = performance.now();
    await engine.trainStep(batch, { ...OPTIONS, step });
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  figures[`trainTokensPerSecond${threads}`] = Math.round((16 * (LENGTH - 1) * 1000) / times[times.length >> 1]);
  for (const slots of [1, 32, 64]) {
    await engine.loadDecoder({ config, tensors }, { slots, contextTokens: 512, choosableIds: 300 });
    const sampling = { temperature: 0, key: "" };
    const rows = (ids) => Array.from({ length: slots }, (_, slot) => ({ slot, ids, forbidden: [], sampling }));
    await engine.extend(rows(batch[0].inputIds.slice(0, 60)));
    const start = performance.now();
    for (let i = 0; i < 100; i++) await engine.extend(rows([5]));
    figures[`decodeTokensPerSecond${threads}Batch${slots}`] = Math.round(
      (slots * 100 * 1000) / (performance.now() - start),
    );
  }
  console.error(`${kernelBuild}, ${threads} threads: ${JSON.stringify(figures)}`);
  await engine.close();
}
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  parameters: parameterCount(config),
};
console.log(JSON.stringify({ bench: "train", machine, figures }));
