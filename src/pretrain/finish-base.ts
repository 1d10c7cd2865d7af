import type { EngineHost } from "../adapters/engine/open-engine.ts";
import { openTokenSource } from "../adapters/engine/engine-token-source.ts";
import { readTokenizerFolder, writeModelFolder } from "../adapters/model-folder.ts";
import type { StudentConfig } from "../student/checkpoint/student-config.ts";
import { parameterCount } from "../student/parameters.ts";
import type { Schedule } from "../train/schedule.ts";
import type { BaseKind, Lesson } from "./base-kinds.ts";
import { measureSteps, type StepAccuracy } from "./measure-base.ts";

/** What the model card says of how the base was made. */
export interface BaseOrigin {
  readonly folder: string;
  readonly config: StudentConfig;
  readonly seed: number;
  readonly lessons: readonly { readonly lesson: Lesson; readonly schedule: Schedule }[];
  readonly batchTokens: number;
}

const MEASURED_STEPS = 500;

/** Measures the pre-trained base's single steps and writes it, with its card, into `origin.folder`. */
export async function finishBase(engine: EngineHost, origin: BaseOrigin): Promise<readonly StepAccuracy[]> {
  const { config, folder, seed } = origin;
  const { tensors } = await engine.exportTrainer();
  const { tokenizer } = await readTokenizerFolder(folder);
  const source = await openTokenSource(
    engine,
    { config, tensors },
    { slots: 64, contextTokens: 256, choosableIds: tokenizer.vocabularySize },
  );
  const accuracies: StepAccuracy[] = [];
  for (const style of ["quick", "careful"] as const)
    accuracies.push(await measureSteps(source, tokenizer, { style, n: MEASURED_STEPS, seed }));
  const { kernelBuild } = await engine.describe();
  const readme = modelCard({ ...origin, kernelBuild, accuracies });
  await writeModelFolder(folder, { config, tensors, tokenizerFrom: folder, readme });
  return accuracies;
}

interface CardFacts extends BaseOrigin {
  readonly kernelBuild: string;
  readonly accuracies: readonly StepAccuracy[];
}

function modelCard({ config, seed, lessons, batchTokens, kernelBuild, accuracies }: CardFacts): string {
  const millions = (steps: number): string => ((steps * batchTokens) / 1e6).toFixed(1);
  const totalSteps = lessons.reduce((sum, { schedule }) => sum + schedule.totalSteps, 0);
  const parts = lessons.map(({ schedule, lesson }, i) => {
    const opening = lesson.opensWithStart ? "passes open with the question's start value" : "no opening line";
    return `| ${i + 1} | ${millions(schedule.totalSteps)} M | ${schedule.learningRate} | ${opening} |`;
  });
  const kinds = Object.keys(lessons[0]?.lesson.kinds ?? {}).map((kind) => {
    const shares = lessons.map(({ lesson }) => Math.round(lesson.kinds[kind as BaseKind].textShare * 100));
    return `| ${kind} | ${shares.map((share) => `${share} %`).join(" | ")} |`;
  });
  const measured = accuracies.map(
    ({ style, n, correct }) => `| ${style} | ${((100 * correct) / n).toFixed(1)} % | ${n} |`,
  );
  return `---
license: mit
library_name: transformers
pipeline_tag: text-generation
---
# The demo's base student

A Qwen2-architecture model of ${parameterCount(config).toLocaleString("en-GB")} parameters (hidden ${config.hiddenSize}, ${config.layers} layers, ${config.heads} heads of which
${config.kvHeads} for keys and values, feed-forward ${config.intermediateSize}, tied embeddings, f32), made by \`npm run pretrain:demo\` in this repository: seed ${seed},
${millions(totalSteps)} M tokens, Grappa's own engine (kernels \`${kernelBuild}\`). It knows no language and no facts; it exists so that a whole
distillation can be watched on a laptop in minutes.

## What it was taught

Generated text only, and never a chain of reasoning: no document's line starts from the result of the line before. Every
question in its text is of the hash bucket \`pretrain\`, so no question that it is later trained, tuned or tested on was in it.

| part | tokens | peak learning rate | notation |
|---|---|---|---|
${parts.join("\n")}

Share of the text by kind of document:

| kind | ${lessons.map((_, i) => `part ${i + 1}`).join(" | ")} |
|---|${lessons.map(() => "---|").join("")}
${kinds.join("\n")}

## What it can do

Single steps, with the step and its left operand given, greedily, on fresh operands (measured after pre-training):

| style | right | n |
|---|---|---|
${measured.join("\n")}

It cannot chain steps: the demo's report shows its accuracy on whole questions. It is of no use for anything else.
`;
}
