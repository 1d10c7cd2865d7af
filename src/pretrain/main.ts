/**
 * @file `npm run pretrain:demo`: makes models/demo-base from nothing. Seeded, resumable (Ctrl-C, then the same command),
 * on our own engine. The demo never runs this; it is here so that anyone can see what the base was taught, and repeat it.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { readTokenizerFolder } from "../adapters/model-folder.ts";
import { openEngine } from "../adapters/engine/open-engine.ts";
import {
  readTrainingCheckpoint,
  type TrainingCheckpoint,
  writeTrainingCheckpoint,
} from "../adapters/training-checkpoint.ts";
import { canonicalJson, shortHash } from "../core/hash.ts";
import type { StudentConfig } from "../student/checkpoint/student-config.ts";
import { initialTensors, parameterCount } from "../student/parameters.ts";
import { learningRateAt } from "../train/schedule.ts";
import { LONG_LESSON, PASSES_LESSON, STEPS_LESSON } from "./base-kinds.ts";
import { TEXT_VERSION } from "./base-text.ts";
import { documentBatches } from "./document-batches.ts";
import { finishBase } from "./finish-base.ts";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: String(Math.min(4, availableParallelism())) },
    seed: { type: "string", default: "1" },
    folder: { type: "string", default: "models/demo-base" },
    work: { type: "string", default: ".tmp/pretrain" },
  },
});

/** 0.83 M parameters: what the prototype showed to be enough, with grouped queries. */
const CONFIG: Omit<StudentConfig, "vocabularySize"> = {
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
const BATCH_TOKENS = 4096;
const OPTIMIZER = {
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.05,
  maxGradientNorm: 1,
  lossReduction: "token",
} as const;
const CHECKPOINT_EVERY = 100;

/** Single steps for 14 M tokens, 0.9 M in the passes' notation, then longer documents; each part with an optimizer run. */
const CURRICULUM = [
  { lesson: STEPS_LESSON, textSeed: 0, schedule: { learningRate: 3e-3, totalSteps: 3418, warmupSteps: 103 } },
  { lesson: PASSES_LESSON, textSeed: 9, schedule: { learningRate: 1.5e-3, totalSteps: 220, warmupSteps: 20 } },
  { lesson: LONG_LESSON, textSeed: 17, schedule: { learningRate: 2e-3, totalSteps: 700, warmupSteps: 35 } },
] as const;
const CURRICULUM_STEPS = CURRICULUM.reduce((sum, { schedule }) => sum + schedule.totalSteps, 0);

const seed = Number(values.seed);
const { tokenizer } = await readTokenizerFolder(values.folder);
const config: StudentConfig = { ...CONFIG, vocabularySize: Math.ceil(tokenizer.vocabularySize / 32) * 32 };
const fingerprint = shortHash(canonicalJson({ config, seed, CURRICULUM, BATCH_TOKENS, OPTIMIZER, TEXT_VERSION }));
const saved = await readTrainingCheckpoint(values.work, fingerprint);
const engine = await openEngine({ threads: Number(values.threads), memoryBytes: 1 << 30 });
const { kernelBuild, threads } = await engine.describe();
console.log(
  `${parameterCount(config)} parameters, ${CURRICULUM_STEPS} steps of ${BATCH_TOKENS} tokens, ${kernelBuild}, ${threads} threads`,
);

let isStopping = false;
process.once("SIGINT", () => {
  isStopping = true;
});
const started = performance.now();
let tokens = 0;

/** Trains one part of the curriculum from `from`'s weights, or goes on with it where `from` left it. */
async function study(part: number, from: TrainingCheckpoint | undefined): Promise<void> {
  const { lesson, textSeed, schedule } = CURRICULUM[part] ?? CURRICULUM[0];
  const resumed = from?.counters.part === part ? from : undefined;
  await engine.loadTrainer({ config, tensors: from?.tensors ?? initialTensors(config, seed) }, resumed?.optimizer);
  const firstDocument = resumed?.counters.nextDocument ?? 0;
  const batches = documentBatches({
    tokenizer,
    lesson,
    seed: seed + textSeed,
    batchTokens: BATCH_TOKENS,
    firstDocument,
  });
  let next = batches.next();
  for (let step = (resumed?.step ?? 0) + 1; step <= schedule.totalSteps && !isStopping; step++) {
    const { sequences, nextDocument } = next;
    const options = { ...OPTIMIZER, step, learningRate: learningRateAt(schedule, step) };
    const stepping = engine.trainStep(sequences, options);
    next = batches.next(); // made while the engine works
    const result = await stepping;
    tokens += result.tokens;
    if (step % 20 === 0) report(part, step, result.loss);
    if (step % CHECKPOINT_EVERY === 0 || isStopping || step === schedule.totalSteps) {
      const counters = { part, nextDocument };
      await writeTrainingCheckpoint(values.work, fingerprint, { step, counters, ...(await engine.exportTrainer()) });
    }
  }
}

function report(part: number, step: number, loss: number): void {
  const rate = tokens / ((performance.now() - started) / 1000);
  const before = CURRICULUM.slice(0, part).reduce((sum, { schedule }) => sum + schedule.totalSteps, 0);
  const minutes = ((CURRICULUM_STEPS - before - step) * BATCH_TOKENS) / rate / 60;
  const done = `part ${part + 1}, step ${before + step}/${CURRICULUM_STEPS}`;
  console.log(`${done}  loss ${loss.toFixed(4)}  ${rate.toFixed(0)} tokens/s  ${minutes.toFixed(1)} min left`);
}

for (let part = saved?.counters.part ?? 0; part < CURRICULUM.length && !isStopping; part++) {
  await study(part, await readTrainingCheckpoint(values.work, fingerprint));
}
if (isStopping) console.log("stopped; run the same command to go on");
else
  console.log(
    await finishBase(engine, { folder: values.folder, config, seed, lessons: CURRICULUM, batchTokens: BATCH_TOKENS }),
  );
await engine.close();
