/** @file The loss curve, thinned and smoothed for drawing. */
import type { TrainStep } from "../../schema/records.ts";
import { count } from "../number-format.ts";
import type { RunResults } from "../run-results.ts";

/** A point of the loss curve. */
export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

/** The training run as one sentence and two curves. */
export interface TrainingView {
  readonly sentence: string;
  readonly raw: readonly LossPoint[];
  readonly smooth: readonly LossPoint[];
  /** Last step of each epoch. */
  readonly epochEnds: readonly number[];
}

/** Points a curve is drawn with; more than a screen can show would only make the file large. */
const MOST_POINTS = 400;
/** The smoothed curve is a centred mean over about a thirtieth of the run, narrower near its ends. */
const SMOOTHING_SHARE = 1 / 60;

function smoothed(steps: readonly TrainStep[]): LossPoint[] {
  const reach = Math.round(steps.length * SMOOTHING_SHARE);
  return steps.map(({ step }, index) => {
    const half = Math.min(reach, index, steps.length - 1 - index);
    const window = steps.slice(index - half, index + half + 1);
    return { step, loss: window.reduce((sum, { loss }) => sum + loss, 0) / window.length };
  });
}

function thinned<T>(items: readonly T[]): readonly T[] {
  const stride = Math.ceil(items.length / MOST_POINTS);
  return items.filter((_, index) => index % stride === 0 || index === items.length - 1);
}

/** Why there is no curve. */
function unseen({ student, train }: RunResults["recipe"]): string {
  if (student.hosted === undefined) return "No training step was recorded.";
  const { type, method } = student.hosted;
  return `Trained at ${type}, ${method === "full" ? "in full" : "by LoRA"}, ${train.epochs} epochs; its losses were not seen.`;
}

/** The loss curve of a run; a loss that is not finite is left out (and named in the sentence). */
export function trainingOf({ trainSteps, recipe }: RunResults): TrainingView {
  const finite = trainSteps.filter(({ loss }) => Number.isFinite(loss));
  const smooth = smoothed(finite);
  const tokens = trainSteps.reduce((sum, step) => sum + step.tokens, 0);
  const lost = trainSteps.length - finite.length;
  const [first, last] = [finite[0], smooth.at(-1)];
  const fall =
    first === undefined || last === undefined
      ? ""
      : ` Loss went from ${first.loss.toFixed(2)} to ${last.loss.toFixed(2)} nats a token.`;
  return {
    sentence:
      trainSteps.length === 0
        ? unseen(recipe)
        : `${count(trainSteps.length)} steps of ${recipe.train.batchSize} examples, ${recipe.train.epochs} epochs, ${count(tokens)} tokens.${fall}${lost > 0 ? ` ${count(lost)} steps had no finite loss.` : ""}`,
    raw: thinned(finite.map(({ step, loss }) => ({ step, loss }))),
    smooth: thinned(smooth),
    epochEnds: trainSteps
      .filter((step, index) => Math.ceil(trainSteps[index + 1]?.epoch ?? 0) > Math.ceil(step.epoch))
      .map(({ step }) => step),
  };
}
