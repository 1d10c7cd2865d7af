import { basename, join } from "node:path";
import { readModelFolder, writeModelFolder } from "../../adapters/model-folder.ts";
import { nodeFileSystem } from "../../adapters/file-system.ts";
import { readTrainingCheckpoint, writeTrainingCheckpoint } from "../../adapters/training-checkpoint.ts";
import { AppError } from "../../core/errors.ts";
import { canonicalJson, shortHash } from "../../core/hash.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { EpochOrder, Example, TrainStep } from "../../schema/records.ts";
import { learningRateOf } from "../../schema/training-fields.ts";
import { planTraining, runTraining } from "../../train/training-loop.ts";
import { parseRecord } from "../parse-record.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { type EngineProvider, orAborted } from "./engine-provider.ts";
import { hostedConfig, hostedRate, openTuner, trainAtProvider } from "./hosted/train.ts";
import { studentCard } from "./student-card.ts";
import { EXAMPLES_FILE, ORDER_FILE } from "./tokenize.ts";
import type { TeacherWorld } from "./teacher-world.ts";

/**
 * Fine-tunes the base on the examples with the embedded engine; outputs `student/` and `losses.jsonl`. A hosted student is
 * trained by its provider; outputs `student.json`, and `student/weights.tar.zst` where its weights are asked for.
 */
export function trainStage(engine: EngineProvider, world: TeacherWorld): Stage {
  return {
    name: "train",
    inputs: ["tokenize"],
    facts: ({ student }) => (student.hosted ? [] : ["baseWeights", "tokenizer", "chatTemplate", "kernelBuild"]),
    codeVersion: 3,
    config: (recipe) => (recipe.student.hosted ? hostedConfig(recipe) : ownConfig(recipe)),
    plan: (recipe) => {
      const { hosted, base } = recipe.student;
      if (hosted) return `${base} at ${hosted.type}, ${hosted.method}, ${recipe.train.epochs} epochs`;
      const { totalSteps, warmupSteps } = planTraining(recipe.train, recipe.select.count);
      return `${totalSteps} steps of ${recipe.train.batchSize} examples, ${warmupSteps} of warm-up, learning rate ${learningRateOf(recipe.train)}`;
    },
    check: async ({ student }) => {
      if (!student.hosted) return;
      hostedRate({ student });
      await openTuner(student.hosted, world).close();
    },
    run: (context) => (context.recipe.student.hosted ? trainAtProvider(context, world) : train(context, engine)),
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
  await engine.loadTrainer({ config: base.config, tensors: saved?.tensors ?? base.tensors }, saved?.optimizer);
  const { totalSteps } = planTraining(recipe.train, examples.length);
  const started = performance.now();
  let tokens = 0;
  const onStep = async (step: TrainStep, isCheckpoint: boolean): Promise<void> => {
    steps.push(step);
    tokens += step.tokens;
    context.progress({ done: step.step, total: totalSteps, unit: "steps", note: `loss ${step.loss.toFixed(3)}` });
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
  const { tensors } = await engine.exportTrainer();
  await context.output.writeRows("losses.jsonl", steps);
  const readme = studentCard(recipe, { examples: examples.length, steps: totalSteps });
  await writeModelFolder(context.output.path("student"), {
    config: base.config,
    tensors,
    tokenizerFrom: context.baseFolder,
    style: recipe.tokenize.style,
    readme,
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
