/**
 * @file The language between Grappa and `python/train.py`: the job's `config.json`, and the events that it prints as
 * `@@grappa {json}` and appends to `events.jsonl`. Python writes and reads the same names.
 */
import { z } from "zod";
import { SCHEMA_VERSION } from "./schema-version.ts";

const schemaVersion = z.literal(SCHEMA_VERSION);
const count = z.int().min(0);

/** `config.json` of a training job. Paths are seen from the job's folder; `output` may be overridden by GRAPPA_OUT. */
export const TrainingJob = z.strictObject({
  schemaVersion,
  name: z.string(),
  model: z.string().describe("folder of the base, or OWNER/NAME on the hub"),
  revision: z.string().nullable().describe("of a base on the hub"),
  examples: z.string().describe("examples.jsonl: inputIds and labels, never cut, never tokenised again"),
  order: z.string().describe("order.jsonl: places of the examples, epoch by epoch; nothing shuffles"),
  probes: z
    .array(z.strictObject({ text: z.string(), ids: z.array(count) }))
    .describe("up to 20 texts and our ids for them, which the student's own tokenizer must give too"),
  addedIds: count.describe("ids of our tokenizer: the embedding must have at least as many rows"),
  output: z.string(),
  maxLength: z.int().min(1).describe("tokens; no row may be longer"),
  epochs: z.int().min(1),
  batchSize: z.int().min(1).describe("examples of an optimizer step over all ranks"),
  microBatch: z.int().min(1),
  totalSteps: z.int().min(1),
  warmupSteps: count,
  learningRate: z.number(),
  beta1: z.number(),
  beta2: z.number(),
  epsilon: z.number(),
  weightDecay: z.number(),
  maxGradientNorm: z.number(),
  lossReduction: z.enum(["token", "example"]),
  method: z.enum(["full", "lora", "qlora"]),
  lora: z.strictObject({ rank: z.int().min(1), alpha: z.number(), dropout: z.number() }),
  precision: z.enum(["auto", "f32", "bf16"]),
  attention: z.enum(["auto", "flash", "sdpa", "eager"]),
  gradientCheckpointing: z.boolean(),
  packing: z.boolean(),
  sharding: z.enum(["auto", "none", "fsdp2"]),
  device: z.enum(["auto", "cuda", "cpu"]),
  checkpointEverySteps: z.int().min(1),
  checkpointsKept: z.int().min(1),
  seed: count,
  stopAfterSeconds: z
    .number()
    .nullable()
    .describe(
      "the trainer saves a checkpoint and ends, as `stopped`, once so many seconds of all tries together have passed",
    ),
});
export type TrainingJob = z.infer<typeof TrainingJob>;

const at = {
  schemaVersion,
  time: z.number().describe("Unix seconds"),
  elapsedSeconds: z
    .number()
    .optional()
    .describe("of all tries together, since each process began; what stopAfterSeconds is compared with"),
};

/** One event of a job; the last of a step counts, for retries repeat steps. Unknown fields are ignored. */
export const TrainingEvent = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("start").describe("the model is loaded; once a try"),
    ...at,
    worldSize: z.int().min(1),
    nodes: z.int().min(1),
    device: z.enum(["cuda", "cpu", "mps"]),
    gpu: z.string().nullable().describe("as PyTorch names it"),
    parameters: count,
    trainableParameters: count,
    precision: z.enum(["f32", "bf16"]),
    attention: z.string(),
    sharding: z.enum(["none", "ddp", "fsdp2"]),
    resumedAt: count.describe("step of the checkpoint that it goes on from; 0: from the start"),
    totalSteps: z.int().min(1),
    versions: z.record(z.string(), z.string()),
  }),
  z.object({
    type: z.literal("step"),
    ...at,
    step: z.int().min(1),
    epoch: z.number().describe("epochs done after it"),
    loss: z.number().nullable().describe("nats, by the reduction asked for, before the update; null: not a number"),
    gradientNorm: z.number().nullable().describe("before clipping"),
    learningRate: z.number(),
    tokens: count.describe("of the step's examples, without padding, all ranks"),
    trainedTokens: count.describe("of these, with a label"),
    seconds: z.number().describe("of this step"),
    peakMemoryBytes: count.nullable().describe("of the fullest GPU so far; null on a CPU"),
  }),
  z.object({ type: z.literal("checkpoint"), ...at, step: z.int().min(1), path: z.string() }),
  z.object({ type: z.literal("warning"), ...at, message: z.string() }),
  z.object({
    type: z
      .literal("end")
      .describe("completed: the student is in `final`; stopped: by stopAfterSeconds, the last checkpoint is kept"),
    ...at,
    outcome: z.enum(["completed", "stopped"]),
    step: count,
    seconds: z.number().describe("of all tries together, as far as this folder knows"),
    model: z.string().nullable().describe("folder of the student in Hugging Face layout, seen from the output"),
  }),
  z.object({
    type: z.literal("failure"),
    ...at,
    code: z.enum([
      "row-too-long",
      "ids-beyond-embedding",
      "labels-all-masked",
      "tokenizer-differs",
      "packing-unsafe",
      "unsupported",
      "loss-not-finite",
      "error",
    ]),
    message: z.string(),
    hint: z.string().nullable(),
  }),
]);
export type TrainingEvent = z.infer<typeof TrainingEvent>;

/** What every printed event starts with; anything may stand before it on its line. */
export const EVENT_MARK = "@@grappa ";
