import { AppError } from "../../core/errors.ts";
import { dropDuplicates } from "../../curate/duplicates.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import { collectQuestions } from "../../questions/collect-questions.ts";
import { families } from "../../questions/families.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { Question } from "../../schema/records.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";

/**
 * Takes the recipe's questions from the train bucket: no other bucket is ever looked at, so that nothing which is
 * evaluated can be trained on. Outputs `questions.jsonl` and `dropped.jsonl`.
 */
export function collectStage(): Stage {
  return {
    name: "collect",
    inputs: [],
    facts: [],
    codeVersion: 1,
    config: ({ collect, seed }) => ({ collect, seed }),
    plan: ({ collect }) =>
      `${totalOf(collect)} questions from ${collect.sources.map((source) => (source.type === "file" ? source.path : source.family)).join(" and ")}`,
    run: collect,
  };
}

function totalOf({ sources }: Recipe["collect"]): number {
  return sources.reduce((sum, { count }) => sum + count, 0);
}

async function collect({ recipe, output, progress, signal }: StageContext): Promise<StageSummary> {
  const total = totalOf(recipe.collect);
  const found: Question[] = [];
  for (const source of recipe.collect.sources) {
    signal.throwIfAborted();
    if (source.type === "file")
      throw new AppError("recipe-invalid", "collect.sources: questions from a file cannot be read yet");
    const { family, count, difficulty } = source;
    found.push(
      ...collectQuestions({ family: families[family], count, difficulty, bucket: "train", seed: recipe.seed }),
    );
    progress({ done: found.length, total, unit: "questions" });
    await new Promise((resolve) => setImmediate(resolve)); // generating is synchronous; a Ctrl-C gets its turn here
  }
  const { kept, dropped } = dropDuplicates(found);
  await output.writeRows("questions.jsonl", kept);
  await output.writeRows("dropped.jsonl", dropped);
  return { funnel: [buildFunnel("collect", found.length, { kept, dropped })] };
}
