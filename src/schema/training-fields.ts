/** @file Where and how a student is trained: the recipe's `train`, and the launchers that it may name. */
import { z } from "zod";

const count = (what: string) => z.int().min(1).describe(what);
const share = (what: string) => z.number().min(0).max(1).describe(what);

/** What every launcher needs to know of the machines, to tell the price and to stop in time. */
const rented = {
  gpu: z
    .string()
    .optional()
    .describe(
      "the GPUs' name in grappa's dated table, such as H100, for forecast, price and MFU; absent: as the job reports",
    ),
  gpuUsdPerHour: z
    .number()
    .min(0)
    .optional()
    .describe(
      "dollars for one GPU and one hour (of the whole machine on CPUs of hf-jobs); 0: your own; absent: the dearest of the dated table's prices for `gpu`, 0 where no `gpu` is named, and refused where the table does not have it",
    ),
};

const Torchrun = z.strictObject({
  type: z.literal("torchrun").describe("PyTorch on this machine, in an environment that grappa makes and keeps"),
  processes: count("processes, one a GPU").optional(),
  device: z.enum(["auto", "cuda", "cpu"]).default("auto").describe("auto: the GPUs if there are any"),
  python: z
    .string()
    .optional()
    .describe("a Python that has the requirements; absent: grappa makes an environment of its own"),
  ...rented,
});

const Ray = z.strictObject({
  type: z.literal("ray").describe("a Ray cluster, through its Jobs API; needs ray[default,train] there"),
  address: z.url().default("http://127.0.0.1:8265").describe("where its dashboard answers"),
  tokenEnv: z
    .string()
    .optional()
    .describe("name of the environment variable that holds the cluster's token, if it wants one"),
  workers: count("workers, one a GPU").default(1),
  gpusPerWorker: z.int().min(0).max(1).default(1).describe("0 trains on CPUs"),
  cpusPerWorker: count("CPUs of a worker").default(1),
  storage: z
    .string()
    .min(1)
    .describe("a folder that every node and this machine see at the same path; a bucket must be mounted"),
  maxFailures: z
    .int()
    .min(0)
    .default(3)
    .describe("workers lost before the job fails; each time it goes on from its last checkpoint"),
  installs: z
    .boolean()
    .default(false)
    .describe("let Ray install the requirements for the job; false: the nodes have them"),
  ...rented,
});

const Slurm = z.strictObject({
  type: z.literal("slurm").describe("a Slurm cluster, by sbatch on this machine or over ssh"),
  host: z.string().optional().describe("ssh host whose sbatch is asked; absent: this machine's"),
  folder: z.string().min(1).describe("a folder that every node sees, for the job's files; with host as seen there"),
  nodes: count("nodes").default(1),
  gpusPerNode: z.int().min(0).default(8).describe("GPUs of a node, one process each; 0 trains on CPUs"),
  processesPerNode: count("processes of a node; absent: its GPUs, or 1").optional(),
  partition: z.string().optional().describe("Slurm's partition; absent: the cluster's default"),
  account: z.string().optional().describe("Slurm's account that is charged; absent: the user's default"),
  options: z
    .array(z.string().regex(/^--[a-z][a-z0-9-]*(=\S+)?$/))
    .default([])
    .describe("more options of sbatch, such as --qos=long"),
  setup: z
    .array(z.string())
    .default([])
    .describe("shell lines before the training, such as `module load cuda`; yours, run as they stand"),
  python: z.string().default("python3").describe("a Python there that has the requirements"),
  ...rented,
});

const HfJobs = z.strictObject({
  type: z.literal("hf-jobs").describe("Hugging Face Jobs: rented GPUs by the minute"),
  hubUrl: z.url().default("https://huggingface.co").describe("another for a proxy or a test"),
  tokenEnv: z.string().default("HF_TOKEN").describe("name of the environment variable that holds the token"),
  namespace: z.string().optional().describe("who pays; absent: the token's owner"),
  flavor: z.string().default("h200").describe("hardware, as `grappa plan --hardware` lists it"),
  image: z
    .string()
    .default("pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime")
    .describe("Docker image; the requirements are installed into it"),
  repository: z
    .string()
    .optional()
    .describe(
      "OWNER/NAME of the private data set that carries the job's files in and out; absent: NAMESPACE/grappa-jobs",
    ),
  ...rented,
});

/** How PyTorch is reached. */
export const Launcher = z.discriminatedUnion("type", [Torchrun, Ray, Slurm, HfJobs]);
export type LauncherFields = z.infer<typeof Launcher>;
export type TorchrunFields = z.infer<typeof Torchrun>;
export type RayFields = z.infer<typeof Ray>;
export type SlurmFields = z.infer<typeof Slurm>;
export type HfJobsFields = z.infer<typeof HfJobs>;

/** The recipe's `train`. */
export const Train = z
  .strictObject({
    launcher: Launcher.optional().describe("absent: the embedded engine, on this machine, without Python"),
    epochs: count("passes over the examples").default(5),
    batchSize: count("examples in one optimizer step, over all GPUs").default(16),
    learningRate: z
      .number()
      .positive()
      .optional()
      .describe(
        "highest learning rate, after warm-up; absent: 1e-3 embedded, s1's 1e-5 with a launcher; LoRA ten times as much",
      ),
    warmupShare: share("share of steps with rising learning rate").default(0.05),
    beta1: share("AdamW's decay of the first moment").default(0.9),
    beta2: share("AdamW's decay of the second moment").default(0.95),
    epsilon: z.number().positive().default(1e-8).describe("AdamW's term against division by zero"),
    weightDecay: z.number().min(0).default(1e-4).describe("AdamW's decoupled decay"),
    maxGradientNorm: z.number().positive().default(1).describe("gradients are scaled down to this global norm"),
    lossReduction: z
      .enum(["token", "example"])
      .default("token")
      .describe(
        "mean over the batch's trained tokens, or mean of per-example means, as s1's sixteen GPUs of one example each",
      ),
    checkpointEverySteps: count("optimizer steps between checkpoints").default(50),
    method: z
      .enum(["full", "lora", "qlora"])
      .default("full")
      .describe("full fine-tune, as s1; LoRA; or LoRA over a base in 4 bits (GPUs alone)"),
    lora: z
      .strictObject({
        rank: count("rank of the adapters").default(16),
        alpha: z.number().positive().default(32).describe("adapters are scaled by alpha / rank"),
        dropout: share("dropout on the adapters' input; PyTorch alone").max(0.99).default(0),
      })
      .prefault({}),
    precision: z
      .enum(["auto", "f32", "bf16"])
      .default("auto")
      .describe(
        "auto: f32 embedded and on CPUs, bf16 on GPUs; bf16 embedded: weights are stored in bf16, sums are f32",
      ),
    microBatch: count("examples that go through one GPU together").default(1),
    gradientCheckpointing: z
      .boolean()
      .default(true)
      .describe("compute activations twice instead of keeping them; with a launcher"),
    attention: z
      .enum(["auto", "flash", "sdpa", "eager"])
      .default("auto")
      .describe("attention kernel with a launcher; auto: flash where it is installed, else sdpa"),
    packing: z
      .boolean()
      .default(false)
      .describe("several examples in one row; with a launcher, and a flash kernel alone"),
    sharding: z
      .enum(["auto", "none", "fsdp2"])
      .default("auto")
      .describe("spread weights and moments over the GPUs; auto: where there is more than one and the method is full"),
    maxUsd: z
      .number()
      .min(0)
      .optional()
      .describe(
        "cap for the training alone, dollars; a job that would pass it is stopped, its last checkpoint kept; absent: the run's maxUsd",
      ),
  })
  .prefault({});
export type Train = z.infer<typeof Train>;

/**
 * Highest learning rate of a training: as given, or s1's 1e-5 with PyTorch or at a provider and ours for small embedded
 * students; LoRA takes ten times that.
 *
 * @param hosted the recipe's `student.hosted`, whose method counts there
 */
export function learningRateOf(
  { learningRate, launcher, method }: Pick<Train, "learningRate" | "launcher" | "method">,
  hosted?: { readonly method: "full" | "lora" },
): number {
  if (learningRate !== undefined) return learningRate;
  const full = launcher === undefined && hosted === undefined ? 1e-3 : 1e-5;
  return (hosted?.method ?? method) === "full" ? full : 10 * full;
}
