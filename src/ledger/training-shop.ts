/** @file Where a fine-tune could run, and what it would take there: the ways of `grappa plan`, cheapest first. Estimates. Pure. */
import type { Range } from "./dated-prices.ts";
import { GPU_OFFERS, GPU_KINDS, type GpuKind, gpuKind, gpusOfFlavor } from "./gpu-offers.ts";
import { gpuHourPrice, gpuOf } from "./gpu-price.ts";
import {
  bytesOnEach,
  gpusNeeded,
  type StudentSize,
  trainingHours,
  trainingMemory,
  type TrainingWork,
} from "./training-forecast.ts";
import type { LauncherFields } from "../schema/training-fields.ts";

/** One way. Money in micro-dollars. */
export interface TrainingWay {
  /** "ray, as configured", "Hugging Face Jobs". */
  readonly name: string;
  readonly isConfigured: boolean;
  readonly gpu: string;
  readonly gpus: number;
  /** Memory of one GPU, and what the training takes of it. */
  readonly memoryBytes: number;
  readonly neededBytes: Range;
  readonly fits: "yes" | "tight" | "no";
  readonly hours: Range;
  readonly utilisation: Range;
  readonly microUsd: Range;
  /** Day and place of the price. */
  readonly asOf: string;
  readonly source: string;
}

/** GPUs of a configured launcher: kind (undefined where the recipe names none that the table has) and count. */
export function configuredGpus(launcher: LauncherFields): {
  readonly kind: GpuKind | undefined;
  readonly gpus: number;
} {
  const name = gpuOf(launcher);
  return { kind: name === undefined ? undefined : gpuKind(name), gpus: countOf(launcher) };
}

function countOf(launcher: LauncherFields): number {
  switch (launcher.type) {
    case "torchrun":
      return launcher.processes ?? 1;
    case "ray":
      return launcher.workers * launcher.gpusPerWorker;
    case "slurm":
      return launcher.nodes * launcher.gpusPerNode;
    case "hf-jobs":
      return gpusOfFlavor(launcher.flavor)?.count ?? 1;
    default:
      return launcher satisfies never;
  }
}

/** GPUs of one machine, as a cluster of Ray has at most; its own are not known beforehand. */
const RAY_MACHINE = 8;

/** As {@link configuredGpus}, for a job whose program runs once, on one node. */
export function configuredGpusOnce(launcher: LauncherFields): ReturnType<typeof configuredGpus> {
  const { kind, gpus } = configuredGpus(launcher);
  const most = launcher.type === "slurm" ? launcher.gpusPerNode : launcher.type === "ray" ? RAY_MACHINE : gpus;
  return { kind, gpus: Math.min(gpus, most) };
}

/** Over how many machines a job of a launcher is offered. */
const MACHINES = { ray: 2, "hf-jobs": 1 } as const;

/** All ways: the configured one first, then offers of the table with the fewest GPUs that hold it, cheapest first. */
export function trainingWays(
  size: StudentSize,
  work: TrainingWork,
  launcher: LauncherFields | undefined,
): TrainingWay[] {
  const configured = launcher === undefined ? [] : configuredWay(size, work, launcher);
  const offered = GPU_OFFERS.flatMap((offer) => {
    const kind = GPU_KINDS.find(({ gpu }) => gpu === offer.gpu);
    const gpus = kind && gpusNeeded(trainingMemory(size, work), kind, work.method);
    if (kind === undefined || gpus === undefined || gpus > offer.most * MACHINES[offer.launcher]) return [];
    const { perHour, asOf, source } = offer;
    return [
      { ...estimate(size, work, { kind, gpus, perHour }), name: offer.provider, isConfigured: false, asOf, source },
    ];
  });
  return [...configured, ...offered.sort((a, b) => a.microUsd[1] - b.microUsd[1])];
}

function configuredWay(size: StudentSize, work: TrainingWork, launcher: LauncherFields): TrainingWay[] {
  const { kind, gpus } = configuredGpus(launcher);
  const price = gpuHourPrice(launcher);
  if (kind === undefined || gpus === 0 || price === undefined) return [];
  const { microUsdPerGpuHour, asOf, source } = price;
  const perHour: Range = [microUsdPerGpuHour, microUsdPerGpuHour];
  return [
    {
      ...estimate(size, work, { kind, gpus, perHour }),
      name: `${launcher.type}, as configured`,
      isConfigured: true,
      asOf,
      source,
    },
  ];
}

interface Machine {
  readonly kind: GpuKind;
  readonly gpus: number;
  readonly perHour: Range;
}

function estimate(size: StudentSize, work: TrainingWork, { kind, gpus, perHour }: Machine) {
  const { hours, utilisation } = trainingHours(size, work, { kind, gpus });
  const neededBytes = bytesOnEach(trainingMemory(size, work), gpus, work.method);
  const microUsd: Range = [Math.ceil(hours[0] * gpus * perHour[0]), Math.ceil(hours[1] * gpus * perHour[1])];
  const fits = neededBytes[1] <= kind.memoryBytes ? "yes" : neededBytes[0] <= kind.memoryBytes ? "tight" : "no";
  return {
    gpu: kind.gpu,
    gpus,
    memoryBytes: kind.memoryBytes,
    neededBytes,
    fits,
    hours,
    utilisation,
    microUsd,
  } as const;
}
