/**
 * @file `npm run pretrain:demo`: makes models/demo-base from nothing. Seeded, resumable (Ctrl-C, then the same command),
 * on our own engine. The demo never runs this; it is here so that anyone can see what the base was taught, and repeat it.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { readTokenizerFolder } from "../adapters/model-folder.ts";
import { openEngine } from "../adapters/engine/open-engine.ts";
import { readTrainingCheckpoint, writeTrainingCheckpoint } from "../adapters/training-checkpoint.ts";
import { canonicalJson, shortHash } from "../core/hash.ts";
import type { StudentConfig } from "../student/checkpoint/qwen2-config.ts";
import { initialTensors, parameterCount } from "../student/parameters.ts";
import { learningRateAt, type Schedule } from "../train/schedule.ts";
import { TEXT_VERSION } from "./base-text.ts";
import { documentBatches } from "./document-batches.ts";
import { finishBase } from "./finish-base.ts";

const { values } = parseArgs({
  options: {
    tokens: { type: "string", default: "14000000" },
    threads: { type: "string", default: String(Math.min(4, availableParallelism())) },
    seed: { type: "string", default: "0" },
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

const seed = Number(values.seed);
const totalSteps = Math.ceil(Number(values.tokens) / BATCH_TOKENS);
const schedule: Schedule = { learningRate: 3e-3, totalSteps, warmupSteps: Math.ceil(totalSteps * 0.03) };
const { tokenizer } = await readTokenizerFolder(values.folder);
const config: StudentConfig = { ...CONFIG, vocabularySize: Math.ceil(tokenizer.vocabularySize / 32) * 32 };
const fingerprint = shortHash(canonicalJson({ config, seed, totalSteps, BATCH_TOKENS, OPTIMIZER, TEXT_VERSION }));
const saved = await readTrainingCheckpoint(values.work, fingerprint);
const engine = await openEngine({ threads: Number(values.threads), memoryBytes: 1 << 30 });
const { kernelBuild, threads } = await engine.describe();
console.log(
  `${parameterCount(config)} parameters, ${totalSteps} steps of ${BATCH_TOKENS} tokens, ${kernelBuild}, ${threads} threads`,
);
await engine.loadTrainer({ config, tensors: saved?.tensors ?? initialTensors(config, seed) }, saved?.optimizer);

let isStopping = false;
process.once("SIGINT", () => {
  isStopping = true;
});
const batches = documentBatches({
  tokenizer,
  seed,
  batchTokens: BATCH_TOKENS,
  firstDocument: saved?.counters.nextDocument ?? 0,
});
const started = performance.now();
let tokens = 0;
let next = batches.next();
for (let step = (saved?.step ?? 0) + 1; step <= totalSteps; step++) {
  const { sequences, nextDocument } = next;
  const stepping = engine.trainStep(sequences, { ...OPTIMIZER, step, learningRate: learningRateAt(schedule, step) });
  next = batches.next(); // made while the engine works
  const { loss, gradientNorm, tokens: count } = await stepping;
  tokens += count;
  if (step % 20 === 0) {
    const rate = tokens / ((performance.now() - started) / 1000);
    const minutes = ((totalSteps - step) * BATCH_TOKENS) / rate / 60;
    console.log(
      `step ${step}/${totalSteps}  loss ${loss.toFixed(4)}  norm ${gradientNorm.toFixed(2)}  ${rate.toFixed(0)} tokens/s  ${minutes.toFixed(1)} min left`,
    );
  }
  if (step % CHECKPOINT_EVERY === 0 || isStopping || step === totalSteps) {
    await writeTrainingCheckpoint(values.work, fingerprint, {
      step,
      counters: { nextDocument },
      ...(await engine.exportTrainer()),
    });
  }
  if (isStopping) break;
}
if (isStopping) console.log("stopped; run the same command to go on");
else
  console.log(
    await finishBase(engine, { folder: values.folder, config, seed, totalTokens: totalSteps * BATCH_TOKENS }),
  );
await engine.close();
