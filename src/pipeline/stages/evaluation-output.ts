import { sweepMetrics } from "../../evaluate/scaling.ts";
import { scoreCompletions } from "../../evaluate/score.ts";
import { judge } from "../../evaluate/verdict.ts";
import { type Completion, type Question, SCHEMA_VERSION } from "../../schema/records.ts";
import type { StageContext, StageSummary } from "../stage.ts";

/** Writes what an evaluation found, wherever the models were asked: questions, completions, scores and verdict. */
export async function writeEvaluation(
  { recipe, output }: Pick<StageContext, "recipe" | "output">,
  found: {
    readonly questions: readonly Question[];
    readonly completions: readonly Completion[];
    readonly contextTokens: number;
  },
): Promise<StageSummary> {
  const { questions, completions, contextTokens } = found;
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
