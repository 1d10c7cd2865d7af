/** @file What of a recipe's training cannot work together, each at its field. Pure. */
import type { Recipe } from "../schema/recipe.ts";
import { deviceOf } from "../train/training-job.ts";

/** A problem, and the field that it is about. */
export interface TrainingProblem {
  readonly keys: readonly PropertyKey[];
  readonly message: string;
}

/** See the file's head. */
export function trainingProblems({ student, train }: Pick<Recipe, "student" | "train">): TrainingProblem[] {
  const { launcher, method, packing, lora } = train;
  const problems: TrainingProblem[] = [];
  const add = (keys: readonly PropertyKey[], message: string): void => void problems.push({ keys, message });
  if (student.hosted !== undefined && launcher !== undefined)
    add(["train", "launcher"], "student.hosted has the student trained by its provider: leave one of the two out");
  if (student.hosted !== undefined && student.base.startsWith("hf:"))
    add(["student", "base"], "with student.hosted it is the model's name at the provider, without hf: and revision");
  if (launcher === undefined && method === "qlora")
    add(["train", "method"], "QLoRA needs PyTorch on GPUs: set train.launcher, or method lora");
  if (launcher === undefined && packing)
    add(["train", "packing"], "packing needs PyTorch and a flash kernel: set train.launcher, or packing false");
  if (launcher === undefined && lora.dropout > 0)
    add(["train", "lora", "dropout"], "dropout on adapters needs PyTorch: set train.launcher, or dropout 0");
  if (launcher !== undefined && deviceOf(launcher) === "cpu") {
    if (method === "qlora") add(["train", "method"], "QLoRA needs GPUs, and the launcher asks for none");
    if (packing) add(["train", "packing"], "packing needs a flash kernel, and so GPUs; the launcher asks for none");
  }
  return problems;
}
