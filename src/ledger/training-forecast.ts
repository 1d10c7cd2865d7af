/**
 * @file What a fine-tune takes on GPUs: operations, memory, how many GPUs, hours. Estimates, low to high, each with what it
 * assumes. Pure.
 *
 * @source the counting of Kaplan et al. 2020 (6 operations a parameter and token, 12 L d s / 2 for causal attention); the shares
 *   of the peak over several GPUs from s1's own fine-tunes of 25 million tokens through 32.8 billion parameters (26 minutes on 16
 *   H100s, 0.21 with attention; 5,268 s in its repository's script, 0.13 if on 8); on one GPU they are assumed.
 */
import type { Range } from "./dated-prices.ts";
import type { GpuKind } from "./gpu-offers.ts";

/** The student's size as far as the counting needs it. */
export interface StudentSize {
  readonly parameters: number;
  /** Layers times hidden size. */
  readonly depthTimesWidth: number;
  readonly hiddenSize: number;
  readonly layers: number;
}

/** What is trained on. */
export interface TrainingWork {
  readonly method: "full" | "lora" | "qlora";
  /** Tokens of all examples, epochs counted; a typical number and a high one, equal where it is known. */
  readonly tokens: Range;
  /** Tokens of an example, weighted by tokens: what attention sees on average. */
  readonly meanLength: number;
  readonly longest: number;
  readonly microBatch: number;
  readonly gradientCheckpointing: boolean;
}

/** Known sizes; others lie between. */
const SIZES: readonly StudentSize[] = [
  { parameters: 0.49e9, layers: 24, hiddenSize: 896 },
  { parameters: 1.54e9, layers: 28, hiddenSize: 1536 },
  { parameters: 7.6e9, layers: 28, hiddenSize: 3584 },
  { parameters: 14.8e9, layers: 48, hiddenSize: 5120 },
  { parameters: 32.8e9, layers: 64, hiddenSize: 5120 },
  { parameters: 72.7e9, layers: 80, hiddenSize: 8192 },
].map((one) => ({ ...one, depthTimesWidth: one.layers * one.hiddenSize }));

/** A student of which only the number of parameters is known: shaped like the nearest of Qwen2.5's, by ratio. */
export function sizeByParameters(parameters: number): StudentSize {
  const [nearest] = [...SIZES].sort(
    (a, b) => Math.abs(Math.log(a.parameters / parameters)) - Math.abs(Math.log(b.parameters / parameters)),
  );
  return { ...(nearest as StudentSize), parameters };
}

/** Operations of a parameter for a token: forward 2, backward to the activations 2, to the weights 2 where they learn. */
const perParameter = (method: TrainingWork["method"]): number => (method === "full" ? 6 : 4);

/** Operations of the model itself, as MFU counts them: nothing that is computed twice. */
export function modelFlops(
  { parameters, depthTimesWidth }: StudentSize,
  { method, tokens, meanLength }: Pick<TrainingWork, "method" | "meanLength"> & { readonly tokens: number },
): number {
  const attention = 6 * depthTimesWidth * meanLength;
  return tokens * (perParameter(method) * parameters + attention);
}

/** Share of the GPUs' peak that the model's operations reached in so many seconds. */
export function utilisationOf(
  flops: number,
  { gpus, kind, seconds }: { gpus: number; kind: GpuKind; seconds: number },
): number {
  return flops / (gpus * kind.peak * seconds);
}

/** Shares of the peak that such fine-tunes reach. */
export function expectedUtilisation({ parameters }: StudentSize, gpus: number): Range {
  if (gpus > 1) return [0.13, 0.22];
  // A small student's operations are too short to fill a GPU.
  return parameters < 1e9 ? [0.15, 0.3] : [0.3, 0.4];
}

/** Bytes that a parameter takes over all GPUs together: weights, gradients, both moments; low where all but the moments are bf16. */
const PARAMETER_BYTES: Readonly<Record<TrainingWork["method"], Range>> = {
  full: [16, 18],
  lora: [2.1, 2.5],
  qlora: [0.6, 0.9],
};
/** Taken on every GPU: context of CUDA, kernels' scratch, fragments. */
const FIXED_BYTES: Range = [1.5e9, 4e9];
const BF16 = 2;
/** Values that one layer keeps a token for its backward pass, in hidden sizes: attention, norms, and a feed-forward part of 2.5 to 5.5. */
const LAYER_VALUES: Range = [18, 34];

/** Memory of a training: what is spread over the GPUs, and what each takes beside. */
export interface TrainingMemory {
  readonly sharedBytes: Range;
  readonly eachBytes: Range;
}

/** Memory of a training, low to high. Logits are computed in parts (TRL's chunked loss) and cost little. */
export function trainingMemory({ parameters, layers, hiddenSize }: StudentSize, work: TrainingWork): TrainingMemory {
  const tokens = work.longest * work.microBatch;
  const kept = work.gradientCheckpointing ? tokens * layers * hiddenSize * BF16 : 0;
  const working = work.gradientCheckpointing ? 1 : layers;
  const activations = (end: 0 | 1): number => kept + tokens * hiddenSize * LAYER_VALUES[end] * BF16 * working;
  const bytes = PARAMETER_BYTES[work.method];
  return {
    sharedBytes: [parameters * bytes[0], parameters * bytes[1]],
    eachBytes: [FIXED_BYTES[0] + activations(0), FIXED_BYTES[1] + activations(1)],
  };
}

/** Counts that are offered and split a batch evenly. */
const COUNTS = [1, 2, 4, 8, 16, 32] as const;
/** A GPU this full fails sooner or later. */
const USABLE = 0.94;

/** Fewest GPUs of a kind that hold a training even if it is as large as it may be; undefined where 32 do not. */
export function gpusNeeded(
  memory: TrainingMemory,
  { memoryBytes }: GpuKind,
  method: TrainingWork["method"],
): number | undefined {
  return COUNTS.find((gpus) => bytesOnEach(memory, gpus, method)[1] <= USABLE * memoryBytes);
}

/** Memory on each of so many GPUs. Adapters are trained with the whole base on each GPU (plain data parallel). */
export function bytesOnEach(
  { sharedBytes, eachBytes }: TrainingMemory,
  gpus: number,
  method: TrainingWork["method"],
): Range {
  const parts = method === "full" ? gpus : 1;
  return [sharedBytes[0] / parts + eachBytes[0], sharedBytes[1] / parts + eachBytes[1]];
}

/** Loading a base, starting PyTorch, saving the student: seconds that are paid for too. */
const AROUND_SECONDS: Range = [120, 600];

/** Hours from the start of a job to its end, on so many GPUs of a kind. */
export function trainingHours(
  size: StudentSize,
  work: TrainingWork,
  { kind, gpus }: { readonly kind: GpuKind; readonly gpus: number },
): { readonly hours: Range; readonly utilisation: Range; readonly flops: Range } {
  const flopsOf = (tokens: number): number => modelFlops(size, { ...work, tokens });
  const flops: Range = [flopsOf(work.tokens[0]), flopsOf(work.tokens[1])];
  const utilisation = expectedUtilisation(size, gpus);
  const hours = (end: 0 | 1, share: number): number =>
    (flops[end] / (gpus * kind.peak * share) + AROUND_SECONDS[end]) / 3600;
  return {
    hours: [hours(0, utilisation[1]), hours(1, utilisation[0])],
    utilisation,
    flops,
  };
}
