import { learningRateOf } from "../../schema/training-fields.ts";
import { basename } from "node:path";
import type { Recipe } from "../../schema/recipe.ts";

/** The model card (Markdown) written beside a student's weights. */
export function studentCard(recipe: Recipe, made: { examples: number; steps: number; how?: string }): string {
  const { train, trace } = recipe;
  const teacher =
    trace.teacher.type === "builtin"
      ? "Grappa's built-in programmatic teacher (not a language model)"
      : `${[trace.teacher, ...trace.escalate].flatMap((one) => ("model" in one ? [one.model] : [])).join(", then ")}, a language model`;
  const thinking = trace.allowSummaries
    ? " Not all of its thinking need be raw: summaries were allowed, and each trace's provenance says what it is."
    : "";
  return `---
library_name: transformers
pipeline_tag: text-generation
---
# ${recipe.name}: a student distilled with Grappa

Base: \`${basename(recipe.student.base)}\`. Teacher: ${teacher}.${thinking}
Fine-tuned on ${made.examples} traces for ${made.steps} steps (${train.epochs} epochs, batch ${train.batchSize}, AdamW
${train.beta1}/${train.beta2}, weight decay ${train.weightDecay}, learning rate ${learningRateOf(train)} with ${train.warmupShare * 100} % warm-up and
a cosine to zero), ${made.how ?? describeMethod(train)}, seed ${recipe.seed}. The run's report has its measured accuracy.

Format (s1): the assistant's turn is \`<|im_start|>think\`, the reasoning, \`<|im_start|>answer\`, the answer.
`;
}

/** What the embedded engine trained, and how it is stored. */
function describeMethod({ method, lora, precision }: Recipe["train"]): string {
  const stored = precision === "bf16" ? ", stored in bf16" : "";
  if (method === "full") return `full fine-tune in f32${stored}`;
  return `adapters of rank ${lora.rank} (LoRA, alpha ${lora.alpha}; in \`adapter/\`) merged into the base${stored}`;
}
