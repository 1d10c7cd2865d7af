import { readModelFolder } from "../../adapters/model-folder.ts";
import { sweepMetrics } from "../../evaluate/scaling.ts";
import { scoreCompletions } from "../../evaluate/score.ts";
import { evaluationSettings } from "../../evaluate/settings.ts";
import { judge } from "../../evaluate/verdict.ts";
import { collectQuestions } from "../../questions/collect-questions.ts";
import { families } from "../../questions/families.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { type Completion, type Question, SCHEMA_VERSION, type ThinkingSetting } from "../../schema/records.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { answerQuestions, type GradedReply } from "./answer-questions.ts";
import type { EngineProvider } from "./engine-provider.ts";

/**
 * Puts held-out questions to base and student, greedily: a direct answer, and thinking under a ladder of budgets, to its
 * natural end, and past it. Outputs `questions.jsonl`, `completions.jsonl`, `scores.jsonl` and `verdict.json`.
 */
export function evaluateStage(engine: EngineProvider): Stage {
  return {
    name: "evaluate",
    inputs: ["train"],
    facts: ["baseWeights", "tokenizer", "chatTemplate", "kernelBuild"],
    codeVersion: 2,
    // The batch size changes no result: decoding does not depend on batch-mates.
    config: ({ evaluate: { batchSize: _, ...evaluate }, collect, seed }) => ({
      ...evaluate,
      families: familiesOf(collect),
      seed,
    }),
    plan: ({ evaluate }) =>
      `${evaluate.count} questions of bucket ${evaluate.bucket}, ${evaluate.budgets.length} budgets, waits ${evaluate.waits.join(", ")}`,
    run: (context) => evaluate(context, engine),
  };
}

function familiesOf({ sources }: Recipe["collect"]): (keyof typeof families)[] {
  return [...new Set(sources.map((source) => source.family))].sort();
}

/** Held-out questions, evenly over the recipe's families. */
export function heldOutQuestions({ evaluate, collect, seed }: Recipe): Question[] {
  const names = familiesOf(collect);
  return names.flatMap((name, i) => {
    const count = Math.floor(evaluate.count / names.length) + (i < evaluate.count % names.length ? 1 : 0);
    if (count === 0) return [];
    return collectQuestions({
      family: families[name],
      count,
      difficulty: evaluate.difficulty,
      bucket: evaluate.bucket,
      seed,
    });
  });
}

async function evaluate(context: StageContext, provider: EngineProvider): Promise<StageSummary> {
  const { recipe, signal, output } = context;
  const questions = heldOutQuestions(recipe);
  const engine = await provider();
  const base = await readModelFolder(context.baseFolder);
  const contextTokens = base.config.maxPositions;
  const think: ThinkingSetting = { mode: "think", budgetTokens: contextTokens, waits: 0 };
  const settings = {
    base: [{ mode: "direct", budgetTokens: 0, waits: 0 }, think] satisfies ThinkingSetting[],
    student: evaluationSettings(recipe.evaluate, contextTokens),
  };
  const total = questions.length * (settings.base.length + settings.student.length);
  const completions: Completion[] = [];
  for (const name of ["base", "student"] as const) {
    const model = name === "base" ? base : await readModelFolder(context.input("train").path("student"));
    const before = completions.length;
    const onProgress = (done: number): void =>
      context.progress({ done: before + done, total, unit: "answers", note: name });
    const options = { ...recipe.evaluate, settings: settings[name], signal, onProgress };
    const replies = await answerQuestions(engine, model, questions, options);
    questions.forEach(({ id }, i) =>
      completions.push(...(replies[i] ?? []).map((reply) => completionOf(id, name, reply))),
    );
  }
  const familyById = new Map(questions.map(({ id, family }) => [id, family]));
  const verdict = judge(completions, { contextTokens });
  const scaling = sweepMetrics(
    completions.filter(({ model }) => model === "student"),
    `scaling/${recipe.seed}`,
  );
  await output.writeRows("questions.jsonl", questions);
  await output.writeRows("completions.jsonl", completions);
  await output.writeRows(
    "scores.jsonl",
    scoreCompletions(completions, { familyOf: (id) => familyById.get(id), contextTokens }),
  );
  await output.writeJson("verdict.json", { schemaVersion: SCHEMA_VERSION, contextTokens, verdict, scaling });
  const decodedTokens = completions.reduce(
    (sum, { thinkingTokens, answerTokens }) => sum + thinkingTokens + answerTokens,
    0,
  );
  const outcome = `${questions.length} questions, ${completions.length} answers`;
  return { notes: { questions: questions.length, decodedTokens }, outcome };
}

function completionOf(questionId: string, model: "base" | "student", reply: GradedReply): Completion {
  return { schemaVersion: SCHEMA_VERSION, questionId, model, sampleIndex: 0, ...reply };
}
