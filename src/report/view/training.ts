/** @file The loss curve, thinned and smoothed for drawing, the learning rate beside it, and where it was trained. */
import type { LaunchedJob } from "../../schema/launched-job.ts";
import type { TrainStep } from "../../schema/records.ts";
import { LossWatch } from "../../train/loss-watch.ts";
import { count, duration, gibibytes, parameterCount, percent } from "../number-format.ts";
import type { Basis, RunResults } from "../run-results.ts";
import { TEXT_CAPS, oneLine } from "../plain-text.ts";
import { type DataTable, type Row, textColumn } from "./data-table.ts";

/** A point of the loss curve. */
export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

/** The learning rate of a step, as a share of the highest. */
export interface RatePoint {
  readonly step: number;
  readonly share: number;
}

/** The training run as one sentence and its curves. */
export interface TrainingView {
  readonly sentence: string;
  readonly raw: readonly LossPoint[];
  readonly smooth: readonly LossPoint[];
  readonly rate: readonly RatePoint[];
  /** The highest learning rate; 0 where no step was recorded. */
  readonly highestRate: number;
  /** What the curve shows that a reader should know: spikes, no learning. */
  readonly findings: readonly string[];
  /** Where it was trained and what that took; null for the embedded engine. */
  readonly job: DataTable | null;
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
export function trainingOf({
  trainSteps,
  recipe,
  training,
}: Pick<RunResults, "trainSteps" | "recipe" | "training">): TrainingView {
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
    ...ratesOf(trainSteps),
    findings: findingsOf(trainSteps),
    job: training === undefined ? null : jobTable(training),
    epochEnds: trainSteps
      .filter((step, index) => Math.ceil(trainSteps[index + 1]?.epoch ?? 0) > Math.ceil(step.epoch))
      .map(({ step }) => step),
  };
}

function ratesOf(steps: readonly TrainStep[]): Pick<TrainingView, "rate" | "highestRate"> {
  const highestRate = steps.reduce((most, { learningRate }) => Math.max(most, learningRate), 0);
  const rate = steps.map(({ step, learningRate }) => ({ step, share: learningRate / Math.max(highestRate, 1e-30) }));
  return { rate: thinned(rate), highestRate };
}

const MOST_FINDINGS = 5;

function findingsOf(steps: readonly TrainStep[]): readonly string[] {
  const watch = new LossWatch({ totalSteps: steps.length });
  return steps
    .flatMap((step) => watch.take(step)?.message ?? [])
    .slice(0, MOST_FINDINGS)
    .map((message) => `${message.charAt(0).toUpperCase()}${message.slice(1)}.`);
}

const METHODS = { full: "full fine-tune", lora: "LoRA", qlora: "QLoRA" } as const;

/** The job that trained, row by row, each number with where it comes from. */
function jobTable(job: LaunchedJob): DataTable {
  const row = (what: string, text: string, basis?: Basis): Row => ({
    tone: "plain",
    cells: [{ text: what }, { text: oneLine(text, TEXT_CAPS.sentence), ...(basis === undefined ? {} : { basis }) }],
  });
  const processes = `${count(job.processes)} ${job.processes === 1 ? "process" : "processes"}`;
  const on = job.gpu === null ? `${processes} on CPUs` : `${count(job.processes)} x ${job.gpu}`;
  const nodes = job.nodes === 1 ? "" : `, ${count(job.nodes)} nodes`;
  const torch = job.versions.torch === undefined ? "" : ` ${job.versions.torch}`;
  const trained =
    job.trainableParameters === job.parameters ? "" : `, ${parameterCount(job.trainableParameters)} trained`;
  const settled = job.isEstimated ? "estimated" : "measured";
  return {
    caption:
      "Where it was trained. Hours and use of the GPUs are measured by the trainer; money is GPU time at the price named.",
    columns: [textColumn("what"), textColumn("value")],
    rows: [
      row("backend", `PyTorch${torch} by ${job.launcher}, job ${job.job}`),
      row("base", job.base),
      row("hardware", `${on}${nodes}`),
      row(
        "method",
        `${METHODS[job.method]}, ${parameterCount(job.parameters)} parameters${trained}, ${job.precision}, ${job.attention}, ${job.sharding}`,
      ),
      row("time", `${duration(job.seconds)}${job.tries === 1 ? "" : `, ${count(job.tries)} tries`}`, "measured"),
      ...(job.tokensPerSecond === null
        ? []
        : [row("speed", `${count(Math.round(job.tokensPerSecond))} tokens a second`, "measured")]),
      ...(job.utilisation === null ? [] : [row("use of the GPUs (MFU)", percent(job.utilisation), "measured")]),
      ...(job.peakMemoryBytes === null
        ? []
        : [row("peak memory of a GPU", gibibytes(job.peakMemoryBytes), "measured")]),
      row("cost", costText(job), settled),
    ],
  };
}

function costText({ costMicroUsd, gpus, microUsdPerGpuHour, priceSource, priceAsOf }: LaunchedJob): string {
  if (costMicroUsd === 0) return "free: machines of one's own";
  const usd = (micro: number): string => `$${(micro / 1e6).toFixed(2)}`;
  return `${usd(costMicroUsd)}: ${count(gpus)} GPUs at ${usd(microUsdPerGpuHour)} an hour (${priceSource}, ${priceAsOf})`;
}
