/** @file What the embedded engine makes of the recipe's `train.method` and `train.precision`. */
import type { StudentModel } from "../../adapters/engine/engine-session.ts";
import { AppError } from "../../core/errors.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { Train } from "../../schema/training-fields.ts";
import { roundTensors, widenTensors } from "../../student/checkpoint/bf16.ts";
import type { NamedTensors, StoredTensors } from "../../student/checkpoint/safetensors.ts";
import type { EmbeddedUse } from "../../student/embedded-memory.ts";
import { initialAdapter, mergeAdapter } from "../../student/lora.ts";
import type { TrainerOptions, TrainSequence } from "../../student/trainer.ts";

type Method = Pick<Train, "method" | "lora" | "precision">;

/**
 * What of method and precision changes the weights; nothing for a full fine-tune in f32, so that what was hashed before there
 * was more stays as it was.
 */
export function methodFacts({ method, lora, precision }: Method): object {
  return {
    ...(method === "full" ? {} : { method, lora: { rank: lora.rank, alpha: lora.alpha } }),
    ...(precision === "bf16" ? { precision } : {}),
  };
}

/** Throws "recipe-invalid" for what PyTorch alone can do. */
export function refuseUnembedded({ method, lora }: Method): void {
  if (method === "qlora")
    throw new AppError("recipe-invalid", "train.method is qlora: the embedded engine has no 4-bit base", {
      hint: "use lora (with train.precision bf16 the base takes half the memory), or train with a launcher (train.launcher)",
    });
  if (method === "lora" && lora.dropout !== 0)
    throw new AppError("recipe-invalid", `train.lora.dropout is ${lora.dropout}: the embedded engine has no dropout`, {
      hint: "set it to 0, or train with a launcher (train.launcher)",
    });
}

/** How a recipe uses the embedded engine, for `embeddedMemory`. */
export function embeddedUse(
  { train, evaluate }: Pick<Recipe, "train" | "evaluate">,
  known: { readonly isBaseBf16: boolean; readonly longestTokens: number; readonly threads: number },
): EmbeddedUse {
  const { method, lora, precision } = train;
  return {
    method: method === "full" ? "full" : "lora",
    rank: lora.rank,
    precision,
    slots: evaluate.batchSize,
    ...known,
  };
}

/** Where training starts: the model to load, and how. A checkpoint holds all weights, or the adapters alone. */
export function startTraining(
  base: StudentModel,
  setup: {
    readonly train: Method;
    readonly seed: number;
    readonly examples: readonly TrainSequence[];
    readonly saved: NamedTensors | undefined;
  },
): { model: StudentModel; options: Omit<TrainerOptions, "microRows"> } {
  const { train, seed, examples, saved } = setup;
  const { config } = base;
  const longestTokens = examples.reduce((most, { inputIds }) => Math.max(most, inputIds.length), 1);
  if (train.method === "full") return { model: { config, tensors: saved ?? base.tensors }, options: { longestTokens } };
  const { rank, alpha } = train.lora;
  const adapter = saved ?? initialAdapter(config, { rank, alpha }, seed);
  return {
    model: { config, tensors: underAdapters(base, train) },
    options: { longestTokens, lora: { rank, alpha, adapter } },
  };
}

/** The base as adapters see it: what is rounded to bf16 is what they are trained on. */
function underAdapters({ tensors }: StudentModel, { precision }: Method): StoredTensors {
  return precision === "bf16" ? roundTensors(tensors) : tensors;
}

/** The trained student's tensors, in the precision that the recipe asks for, and its adapters where it has some. */
export function endTraining(
  base: StudentModel,
  trained: NamedTensors,
  train: Method,
): { tensors: StoredTensors; adapter?: NamedTensors } {
  const isBf16 = train.precision === "bf16";
  if (train.method === "full") return { tensors: isBf16 ? roundTensors(trained) : trained };
  const { rank, alpha } = train.lora;
  const tensors = isBf16 ? underAdapters(base, train) : widenTensors(base.tensors);
  const settings = { rank, alpha };
  return { tensors: mergeAdapter(base.config, { tensors, adapter: trained, settings }), adapter: trained };
}
