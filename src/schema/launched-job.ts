/** @file What became of a training job: `job.json` beside the student that it trained. */
import { z } from "zod";
import { SCHEMA_VERSION } from "./schema-version.ts";

const count = z.int().min(0);

/** The launchers, as the journal names them too. */
export const LAUNCHER_TYPES = ["torchrun", "ray", "slurm", "hf-jobs"] as const;

export const LaunchedJob = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  launcher: z.enum(LAUNCHER_TYPES),
  name: z.string().describe("grappa's name of the job"),
  job: z.string().describe("the launcher's own id"),
  base: z.string().describe("the base, with its commit where it is on the hub"),
  method: z.enum(["full", "lora", "qlora"]),
  device: z.enum(["cuda", "cpu", "mps"]),
  gpu: z.string().nullable().describe("as PyTorch names it"),
  processes: z.int().min(1),
  nodes: z.int().min(1),
  precision: z.enum(["f32", "bf16"]),
  attention: z.string(),
  sharding: z.enum(["none", "ddp", "fsdp2"]),
  parameters: count,
  trainableParameters: count,
  versions: z.record(z.string(), z.string()),
  tries: z.int().min(1).describe("how often the trainer started"),
  startedAt: z.string().nullable().describe("of the last try, ISO 8601, as the launcher tells it"),
  endedAt: z.string().nullable(),
  seconds: z.number().min(0).describe("of all tries together, by the trainer's events"),
  gpus: count.describe("that were paid for, or would have been"),
  microUsdPerGpuHour: count,
  priceSource: z.string(),
  priceAsOf: z.string(),
  costMicroUsd: count,
  isEstimated: z.boolean().describe("whether times are ours, for want of the launcher's"),
  tokensPerSecond: z.number().min(0).nullable().describe("over all steps, without padding, all processes"),
  utilisation: z
    .number()
    .min(0)
    .nullable()
    .describe("MFU: model FLOPs over the GPUs' peak; null where the GPU is of no known kind"),
  peakMemoryBytes: count.nullable(),
});
export type LaunchedJob = z.infer<typeof LaunchedJob>;
