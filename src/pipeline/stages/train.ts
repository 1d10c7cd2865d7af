import { basename, join } from "node:path";
import { writeAdapterFolder } from "../../adapters/adapter-folder.ts";
import { readModelFolder, writeModelFolder } from "../../adapters/model-folder.ts";
import { nodeFileSystem } from "../../adapters/file-system.ts";
import { readTrainingCheckpoint, writeTrainingCheckpoint } from "../../adapters/training-checkpoint.ts";
import { AppError, invariant } from "../../core/errors.ts";
import { canonicalJson, shortHash } from "../../core/hash.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { EpochOrder, Example, TrainStep } from "../../schema/records.ts";
import { learningRateOf } from "../../schema/training-fields.ts";
import { LossWatch } from "../../train/loss-watch.ts";
import { planTraining, runTraining } from "../../train/training-loop.ts";
import { describeTraining, PACE_STEPS, type PacedStep, paceOf } from "../../train/training-pace.ts";
import { parseRecord } from "../parse-record.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { endTraining, methodFacts, refuseUnembedded, startTraining } from "./embedded-training.ts";
import { type EngineProvider, orAborted } from "./engine-provider.ts";
import { hostedConfig, hostedRate, openTuner, trainAtProvider } from "./hosted/train.ts";
import type { LaunchedWorld } from "./launched/launched-world.ts";
import { checkLauncher, describeLauncher, launchedConfig, trainByLauncher } from "./launched/train.ts";
import { studentCard } from "./student-card.ts";
import { EXAMPLES_FILE, ORDER_FILE } from "./tokenize.ts";
import type { TeacherWorld } from "./teacher-world.ts";

/**
 * Fine-tunes the base on the examples with the embedded engine; outputs `student/` and `losses.jsonl`. With a launcher PyTorch
 * does, and `job.json` tells of the job. A hosted student is trained by its provider; outputs `student.json`, and
 * `student/weights.tar.zst` where its weights are asked for.
 */
export function trainStage(engine: EngineProvider, world: TeacherWorld, launched?: LaunchedWorld): Stage {
  return {
    name: "train",
    inputs: ["tokenize"],
    facts: ({ student, train: { launcher } }) => {
      if (student.hosted) return [];
      const base = ["baseWeights", "tokenizer", "chatTemplate"] as const;
      return launcher === undefined ? [...base, "kernelBuild"] : base;
    },
    codeVersion: 3,
    config: (recipe) => {
      if (recipe.student.hosted) return hostedConfig(recipe);
      return recipe.train.launcher === undefined ? ownConfig(recipe) : launchedConfig(recipe);
    },
    plan: (recipe) => {
      const { hosted, base } = recipe.student;
      if (hosted) return `${base} at ${hosted.type}, ${hosted.method}, ${recipe.train.epochs} epochs`;
      const { totalSteps, warmupSteps } = planTraining(recipe.train, recipe.select.count);
      const steps = `${totalSteps} steps of ${recipe.train.batchSize} examples, ${warmupSteps} of warm-up, learning rate ${learningRateOf(recipe.train)}`;
      return recipe.train.launcher === undefined ? steps : `${steps}; ${describeLauncher(recipe.train)}`;
    },
    check: async ({ student, train: { launcher, ...method } }) => {
      if (launcher !== undefined && launched !== undefined) await checkLauncher(launcher, launched);
      if (!student.hosted && !launcher) refuseUnembedded(method);
      if (!student.hosted) return;
      hostedRate({ student });
      await openTuner(student.hosted, world).close();
    },
    run: (context) => {
      if (context.recipe.student.hosted) return trainAtProvider(context, world);
      if (context.recipe.train.launcher === undefined) return train(context, engine);
      invariant(launched !== undefined, "a launched student without launchers");
      return trainByLauncher(context, launched);
    },
  };
}

/** Name and base stand in the student's card; the base's folder alone, because a path depends on where the run lies. */
function ownConfig(recipe: Recipe): object {
  return {
    ...trained(recipe),
    seed: recipe.seed,
    name: recipe.name,
    base: basename(recipe.student.base),
    ...(recipe.trace.allowSummaries ? { allowSummaries: true } : {}),
  };
}

/** What the weights depend on: not how often a checkpoint is written. */
function trained({ train }: Recipe): object {
  const { epochs, batchSize, warmupShare, beta1, beta2, epsilon, weightDecay, maxGradientNorm, lossReduction } = train;
  const learningRate = learningRateOf(train);
  return {
    epochs,
    batchSize,
    learningRate,
    warmupShare,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    maxGradientNorm,
    lossReduction,
    ...methodFacts(train),
  };
}

async function train(context: StageContext, provider: EngineProvider): Promise<StageSummary> {
  const { recipe, signal } = context;
  const { examples, order } = await readExamples(context);
  const base = await readModelFolder(context.baseFolder);
  const engine = await provider();
  const fingerprint = shortHash(
    canonicalJson([trained(recipe), recipe.seed, base.weightHash, context.input("tokenize").manifest.outputHash]),
  );
  const saved = await readTrainingCheckpoint(checkpointFolder(context), fingerprint);
  const steps = saved ? (await readSteps(context.workFolder)).slice(0, saved.step) : [];
  const start = startTraining(base, { train: recipe.train, seed: recipe.seed, examples, saved: saved?.tensors });
  await engine.loadTrainer(start.model, saved?.optimizer, start.options);
  const { totalSteps } = planTraining(recipe.train, examples.length);
  const started = performance.now();
  let tokens = 0;
  const tell = tellSteps(context, { totalSteps, firstStep: (saved?.step ?? 0) + 1 });
  const onStep = async (step: TrainStep, isCheckpoint: boolean): Promise<void> => {
    steps.push(step);
    tokens += step.tokens;
    tell(step);
    if (!isCheckpoint) return;
    await nodeFileSystem().writeAtomic(join(context.workFolder, STEPS_FILE), jsonLines(steps));
    await writeTrainingCheckpoint(checkpointFolder(context), fingerprint, {
      step: step.step,
      counters: {},
      ...(await engine.exportTrainer()),
    });
  };
  const loop = { examples, order, recipe: recipe.train, doneSteps: saved?.step ?? 0, signal, onStep };
  await runTraining(loop, { trainStep: (batch, options) => orAborted(engine.trainStep(batch, options), signal) });
  context.measure("tokensPerSecond", Math.round((tokens * 1000) / (performance.now() - started)));
  const { tensors, adapter } = endTraining(base, (await engine.exportTrainer()).tensors, recipe.train);
  await context.output.writeRows("losses.jsonl", steps);
  const readme = studentCard(recipe, { examples: examples.length, steps: totalSteps });
  await writeModelFolder(context.output.path("student"), {
    config: base.config,
    tensors,
    tokenizerFrom: context.baseFolder,
    style: recipe.tokenize.style,
    readme,
  });
  const settings = recipe.train.lora;
  if (adapter)
    await writeAdapterFolder(context.output.path("student/adapter"), {
      adapter,
      settings,
      base: basename(recipe.student.base),
    });
  const trainedTokens = steps.reduce((sum, step) => sum + step.tokens, 0);
  return {
    notes: {
      steps: totalSteps,
      trainedTokens,
      firstLoss: steps[0]?.loss ?? null,
      lastLoss: steps.at(-1)?.loss ?? null,
    },
    outcome: `${totalSteps} steps, loss ${steps[0]?.loss.toFixed(3)} to ${steps.at(-1)?.loss.toFixed(3)}`,
  };
}

/** The live view of each step, the same as of a launched training; throws where the loss is no number. */
function tellSteps(
  { progress, warn }: StageContext,
  { totalSteps, firstStep }: { readonly totalSteps: number; readonly firstStep: number },
): (step: TrainStep) => void {
  const watch = new LossWatch({ totalSteps, firstStep });
  let latest: PacedStep[] = [];
  let last = performance.now();
  return ({ step, loss, tokens }) => {
    const now = performance.now();
    latest = [...latest, { step, tokens, seconds: (now - last) / 1000 }].slice(-PACE_STEPS);
    last = now;
    const finding = watch.take({ step, loss });
    if (finding?.type === "not-finite") throw new AppError("engine", finding.message, { data: { step } });
    if (finding !== undefined) warn(finding.message);
    progress({ done: step, total: totalSteps, unit: "steps", note: describeTraining({ loss, pace: paceOf(latest) }) });
  };
}

/** The examples, and the order in which each epoch takes them. Throws "record-invalid" where an epoch does not take each once. */
async function readExamples({ input }: StageContext) {
  const tokenized = input("tokenize");
  const examples = await tokenized.readRows(EXAMPLES_FILE, Example);
  const rows = await tokenized.readRows(ORDER_FILE, EpochOrder);
  for (const { epoch, examples: places } of rows)
    if (places.length !== examples.length || new Set(places).size !== places.length)
      throw new AppError(
        "record-invalid",
        `${ORDER_FILE}: epoch ${epoch} does not take each of ${examples.length} examples once`,
        {
          hint: "run again with --from tokenize",
          data: { epoch, places: places.length, examples: examples.length },
        },
      );
  return { examples, order: rows.map((row) => row.examples) };
}

const STEPS_FILE = "steps.jsonl";

/** A folder of its own: writing a checkpoint removes whatever else lies beside it. */
function checkpointFolder({ workFolder }: StageContext): string {
  return join(workFolder, "checkpoint");
}

function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

async function readSteps(folder: string): Promise<TrainStep[]> {
  const rows: TrainStep[] = [];
  for await (const line of nodeFileSystem().readLines(join(folder, STEPS_FILE), 1 << 16))
    rows.push(parseRecord(line, TrainStep, STEPS_FILE));
  return rows;
}
