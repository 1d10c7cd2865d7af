import { readModelFolder } from "../../adapters/model-folder.ts";
import { dropSolved } from "../../curate/difficulty.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { type Attempt, Question, SCHEMA_VERSION, type ThinkingSetting } from "../../schema/records.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { answerQuestions } from "./answer-questions.ts";
import type { EngineProvider } from "./engine-provider.ts";

/** Tokens an attempt may answer with; the demo's answers have three. */
const ANSWER_TOKENS = 16;
const BATCH_SIZE = 64;

/**
 * The base tries every candidate: what it solves is too easy and never costs a trace. Outputs `attempts.jsonl`,
 * `questions.jsonl` (what is left) and `dropped.jsonl`.
 */
export function attemptStage(engine: EngineProvider): Stage {
  return {
    name: "attempt",
    inputs: ["collect"],
    facts: ["baseWeights", "tokenizer", "chatTemplate", "kernelBuild"],
    codeVersion: 1,
    config: ({ attempt }) => attempt,
    plan: ({ attempt }) => `the base tries every candidate: ${attempt.modes.join(" and ") || "not at all"}`,
    run: (context) => attempt(context, engine),
  };
}

async function attempt(context: StageContext, provider: EngineProvider): Promise<StageSummary> {
  const questions = await context.input("collect").readRows("questions.jsonl", Question);
  const model = await readModelFolder(context.baseFolder);
  const settings = attemptSettings(context.recipe.attempt);
  const replies =
    settings.length === 0
      ? []
      : await answerQuestions(await provider(), model, questions, {
          settings,
          answerTokens: ANSWER_TOKENS,
          batchSize: BATCH_SIZE,
          signal: context.signal,
          onProgress: (done, total) => context.progress({ done, total, unit: "attempts" }),
        });
  const attempts = questions.flatMap(({ id }, i) =>
    (replies[i] ?? []).map(({ setting, thinking, answer, thinkingTokens, grade }): Attempt => {
      const text = thinking === "" ? answer : `${thinking}\n${answer}`;
      return {
        schemaVersion: SCHEMA_VERSION,
        questionId: id,
        model: `base-${model.weightHash.slice(0, 16)}`,
        mode: setting.mode,
        sampleIndex: 0,
        text,
        thinkingTokens,
        grade,
      };
    }),
  );
  const { kept, dropped } = dropSolved(questions, attempts);
  await context.output.writeRows("attempts.jsonl", attempts);
  await context.output.writeRows("questions.jsonl", kept);
  await context.output.writeRows("dropped.jsonl", dropped);
  const decodedTokens = replies
    .flat()
    .reduce((sum, { thinkingTokens, answerTokens }) => sum + thinkingTokens + answerTokens, 0);
  return { funnel: [buildFunnel("attempt", questions.length, { kept, dropped })], notes: { decodedTokens } };
}

function attemptSettings({ modes, thinkBudgetTokens }: Recipe["attempt"]): ThinkingSetting[] {
  return [...new Set(modes)].map((mode) => ({
    mode,
    budgetTokens: mode === "think" ? thinkBudgetTokens : 0,
    waits: 0,
  }));
}
