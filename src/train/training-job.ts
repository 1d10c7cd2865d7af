/** @file The `config.json` of a training with PyTorch, from the recipe and what is known of its examples. Pure. */
import type { Recipe } from "../schema/recipe.ts";
import { SCHEMA_VERSION } from "../schema/schema-version.ts";
import { type LauncherFields, learningRateOf } from "../schema/training-fields.ts";
import type { TrainingJob } from "../schema/training-job.ts";
import { planSchedule } from "./schedule.ts";

/** So many texts are encoded again by the student's own tokenizer before anything is trained. */
export const MAX_PROBES = 20;
/** Checkpoints that a job keeps: the last may be half written when a machine is lost. */
const CHECKPOINTS_KEPT = 2;

/** What the recipe does not say. */
export interface TrainingJobFacts {
  readonly name: string;
  /** Folder of the base as the job sees it, or OWNER/NAME on the hub. */
  readonly model: string;
  /** Commit of a base on the hub. */
  readonly revision: string | null;
  /** Examples, and the tokens of the longest. */
  readonly examples: number;
  readonly longestTokens: number;
  readonly probes: TrainingJob["probes"];
  /** Ids of our tokenizer. */
  readonly vocabularySize: number;
  readonly stopAfterSeconds: number | null;
}

/** Names of the files of a job's bundle beside the Python. */
export const JOB_FILES = {
  config: "config.json",
  examples: "examples.jsonl",
  order: "order.jsonl",
  base: "base",
} as const;

/** The job's configuration. Paths are seen from its folder; the trainer prefers GRAPPA_OUT for its outputs. */
export function trainingJob({ train, seed }: Pick<Recipe, "train" | "seed">, facts: TrainingJobFacts): TrainingJob {
  const { examples, longestTokens, vocabularySize, ...told } = facts;
  const { launcher, warmupShare: _share, maxUsd: _cap, learningRate: _given, ...settings } = train;
  const learningRate = learningRateOf(train);
  const { totalSteps, warmupSteps } = planSchedule({ examples, ...train, learningRate });
  return {
    schemaVersion: SCHEMA_VERSION,
    ...told,
    ...settings,
    examples: JOB_FILES.examples,
    order: JOB_FILES.order,
    addedIds: vocabularySize,
    output: "out",
    maxLength: longestTokens,
    totalSteps,
    warmupSteps,
    learningRate,
    device: deviceOf(launcher),
    checkpointsKept: CHECKPOINTS_KEPT,
    seed,
  };
}

/** What the job may compute on: CPUs where the recipe asks for no GPUs. */
export function deviceOf(launcher: LauncherFields | undefined): TrainingJob["device"] {
  switch (launcher?.type) {
    case "torchrun":
      return launcher.device;
    case "ray":
      return launcher.gpusPerWorker === 0 ? "cpu" : "cuda";
    case "slurm":
      return launcher.gpusPerNode === 0 ? "cpu" : "cuda";
    case "hf-jobs":
      return launcher.flavor.startsWith("cpu-") ? "cpu" : "cuda";
    default:
      return "auto";
  }
}

/**
 * Places of up to {@link MAX_PROBES} of `count` texts, evenly spread, the first and the last among them.
 */
export function probePlaces(count: number): number[] {
  const wanted = Math.min(count, MAX_PROBES);
  if (wanted < 2) return wanted === 1 ? [0] : [];
  return Array.from({ length: wanted }, (_, i) => Math.round((i * (count - 1)) / (wanted - 1)));
}
