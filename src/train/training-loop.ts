/** @file The embedded training loop: pure control flow over a port, so that the same loop runs in a worker or in a test. */
import type { Recipe } from "../schema/recipe.ts";
import { SCHEMA_VERSION, type TrainStep } from "../schema/records.ts";
import { learningRateOf } from "../schema/training-fields.ts";
import type { TrainSequence, TrainStepOptions, TrainStepResult } from "../student/trainer.ts";
import { batchOfStep } from "./batches.ts";
import { learningRateAt, planSchedule, type Schedule } from "./schedule.ts";

/** What the loop needs of an engine that holds a student. */
export interface TrainingPort {
  trainStep(batch: readonly TrainSequence[], options: TrainStepOptions): Promise<TrainStepResult>;
}

/** Settings of a run and the hooks around its steps. */
export interface TrainingLoop {
  readonly examples: readonly TrainSequence[];
  /** Places of the examples in the order in which each epoch takes them. */
  readonly order: readonly (readonly number[])[];
  readonly recipe: Recipe["train"];
  /** Steps already done, when resuming from a checkpoint. */
  readonly doneSteps: number;
  readonly signal: AbortSignal;
  /** Called after each step; a checkpoint is wanted when `isCheckpoint`. Awaited, so that no step is lost or doubled. */
  onStep(step: TrainStep, isCheckpoint: boolean): Promise<void>;
}

/** The run's schedule: pure, for plans and progress. */
export function planTraining(recipe: Recipe["train"], examples: number): Schedule {
  return planSchedule({ examples, ...recipe, learningRate: learningRateOf(recipe) });
}

/** Trains from `doneSteps` to the end. Stops between steps when the signal aborts, by throwing its reason. */
export async function runTraining(loop: TrainingLoop, port: TrainingPort): Promise<void> {
  const { recipe, examples } = loop;
  const schedule = planTraining(recipe, examples.length);
  for (let step = loop.doneSteps + 1; step <= schedule.totalSteps; step++) {
    loop.signal.throwIfAborted();
    const batch = batchOfStep({ order: loop.order, batchSize: recipe.batchSize, step });
    const learningRate = learningRateAt(schedule, step);
    const options = { ...recipe, step, learningRate };
    const result = await port.trainStep(
      batch.flatMap((index) => examples[index] ?? []),
      options,
    );
    const epoch = (step / schedule.totalSteps) * recipe.epochs;
    const record: TrainStep = {
      schemaVersion: SCHEMA_VERSION,
      step,
      epoch,
      loss: result.loss,
      gradientNorm: result.gradientNorm,
      learningRate,
      tokens: result.tokens,
    };
    await loop.onStep(record, step % recipe.checkpointEverySteps === 0 && step < schedule.totalSteps);
  }
}
