/** @file What Hugging Face Jobs has to rent, for people. */
import type { HfHardware } from "../adapters/launchers/hf-jobs-client.ts";
import { printable } from "./printable.ts";
import { alignColumns } from "./text-table.ts";

const HEADINGS = ["flavor", "GPUs", "memory", "dollars an hour", ""];

/** A table of it, cheapest first; `flavor` is what `train.launcher.flavor` takes. */
export function hardwareLines(hardware: readonly HfHardware[]): string[] {
  const rows = [...hardware]
    .sort((a, b) => a.usdPerHour - b.usdPerHour)
    .map(({ flavor, title, gpu, gpus, gpuMemory, usdPerHour }) => [
      flavor,
      gpu === null ? "none" : `${gpus} x ${gpu}`,
      gpuMemory ?? "",
      `$${usdPerHour.toFixed(2)}`,
      title,
    ]);
  return [
    "Hugging Face Jobs, as the hub says now (billed by the minute)",
    ...alignColumns([HEADINGS, ...rows], "lllrl"),
  ].map(printable);
}
