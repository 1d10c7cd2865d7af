/** @file What an hour of one GPU costs where a recipe's launcher runs. */
import type { LauncherFields } from "../schema/training-fields.ts";
import { GPU_OFFERS, gpusOfFlavor } from "./gpu-offers.ts";
import { microUsdFromUsd } from "./money.ts";

/** Micro-dollars for one GPU and one hour, and how that is known. */
export interface GpuHourPrice {
  readonly microUsdPerGpuHour: number;
  /** ISO day, or "as given". */
  readonly asOf: string;
  readonly source: string;
}

/** The GPU that a launcher's recipe names, in the table's name; undefined where it names none. */
export function gpuOf(launcher: LauncherFields): string | undefined {
  return launcher.gpu ?? (launcher.type === "hf-jobs" ? gpusOfFlavor(launcher.flavor)?.gpu : undefined);
}

/**
 * The price: as given, else the dearest of the table for that GPU there; undefined where a GPU is named and nobody
 * knows its price, on one's own machine too. A machine or a cluster whose recipe names no `gpu` costs nothing unless it says so;
 * hf-jobs always costs.
 */
export function gpuHourPrice(launcher: LauncherFields): GpuHourPrice | undefined {
  const { gpuUsdPerHour } = launcher;
  if (gpuUsdPerHour !== undefined)
    return { microUsdPerGpuHour: microUsdFromUsd(gpuUsdPerHour), asOf: "as given", source: "recipe" };
  const gpu = gpuOf(launcher);
  if (gpu === undefined)
    return launcher.type === "hf-jobs" ? undefined : { microUsdPerGpuHour: 0, asOf: "as given", source: "your own" };
  const offers = GPU_OFFERS.filter(
    (one) => one.gpu === gpu && (launcher.type !== "hf-jobs" || one.launcher === "hf-jobs"),
  );
  const [dearest] = [...offers].sort((a, b) => b.perHour[1] - a.perHour[1]);
  if (dearest === undefined) return undefined;
  return { microUsdPerGpuHour: dearest.perHour[1], asOf: dearest.asOf, source: dearest.source };
}

const MS_AN_HOUR = 3_600_000;

/** Micro-dollars of so many GPUs for so long, rounded up. */
export function gpuTimeCost({ microUsdPerGpuHour }: GpuHourPrice, { gpus, ms }: { gpus: number; ms: number }): number {
  return Math.ceil((microUsdPerGpuHour * gpus * ms) / MS_AN_HOUR);
}

/** Milliseconds that so much money lasts, rounded down; infinite where it costs nothing. */
export function gpuTimeFor(
  { microUsdPerGpuHour }: GpuHourPrice,
  { gpus, microUsd }: { gpus: number; microUsd: number },
): number {
  const perHour = microUsdPerGpuHour * gpus;
  return perHour === 0 ? Number.POSITIVE_INFINITY : Math.floor((microUsd / perHour) * MS_AN_HOUR);
}
