import type { EngineHost } from "../../adapters/engine/open-engine.ts";
import { type ModelFolder, readModelFolder } from "../../adapters/model-folder.ts";
import { AppError } from "../../core/errors.ts";
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
import { holdsOut } from "../sources/source-places.ts";
import type { EngineProvider } from "./engine-provider.ts";
import { checkAsked } from "./gates.ts";
import { baseEndpoint } from "./hosted/base-endpoint.ts";
import type { LaunchedWorld } from "./launched/launched-world.ts";
import { evaluateAtProvider, hostedEvaluation } from "./hosted/evaluate.ts";
import type { TeacherWorld } from "./teacher-world.ts";

/**
 * Puts held-out questions to base and student, greedily: a direct answer, and thinking under a ladder of budgets, to its
 * natural end, and past it; and samples the student for a majority vote where the recipe asks for it. Outputs `questions.jsonl`, `completions.jsonl`, `scores.jsonl` and `verdict.json`.
 */
export function evaluateStage(engine: EngineProvider, world: TeacherWorld, launched?: LaunchedWorld): Stage {
  return {
    name: "evaluate",
    inputs: (recipe) => (recipe.student.hosted && holdsOut(recipe) ? ["collect", "train"] : ["train"]),
    facts: ({ student }) => (student.hosted ? [] : ["baseWeights", "tokenizer", "chatTemplate", "kernelBuild"]),
    codeVersion: 3,
    // The batch size changes no result: decoding does not depend on batch-mates. Nor does the temperature of no samples.
    config: (recipe) => {
      const { evaluate: asked, collect, seed, student } = recipe;
      const families = familiesOf(collect);
      if (student.hosted) return { ...hostedEvaluation(recipe), families };
      const { batchSize: _, temperature, ...evaluate } = asked;
      return { ...evaluate, ...(evaluate.samples === 0 ? {} : { temperature }), families, seed };
    },
    plan: ({ evaluate, student }) =>
      student.hosted
        ? `${evaluate.count} questions of bucket ${evaluate.bucket} to base and student, to their natural end alone`
        : `${evaluate.count} questions of bucket ${evaluate.bucket}, ${evaluate.budgets.length} budgets, waits ${evaluate.waits.join(", ")}`,
    check: async (recipe) => {
      if (recipe.train.launcher !== undefined && launched?.isHeldHere === false) throw tooLargeHere(recipe);
      if (!recipe.student.hosted) return;
      refuseVotes(recipe);
      checkAsked([{ endpoint: baseEndpoint(recipe), called: "the student" }], recipe, world);
    },
    run: async (context) => {
      if (context.recipe.student.hosted) return await evaluateAtProvider(context, world, heldOutQuestions);
      await launched?.bringBaseWeights(context.signal);
      return await evaluate(context, engine);
    },
  };
}

function tooLargeHere({ student }: Recipe): AppError {
  return new AppError(
    "usage",
    `${student.base} is too large for the embedded engine to evaluate base and student here`,
    {
      hint: "train it with --until train; then serve stages/train-*/student behind an endpoint, and `grappa evaluate` it there",
      data: { base: student.base },
    },
  );
}

function refuseVotes({ evaluate }: Recipe): void {
  if (evaluate.samples === 0) return;
  throw new AppError("recipe-invalid", `evaluate.samples is ${evaluate.samples}: a hosted student is asked once`, {
    hint: "set it to 0; votes are counted for students on this machine alone",
  });
}

function familiesOf({ sources }: Recipe["collect"]): (keyof typeof families)[] {
  return [...new Set(sources.flatMap((source) => (source.type === "family" ? [source.family] : [])))].sort();
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
  const { recipe, output } = context;
  const questions = heldOutQuestions(recipe);
  const engine = await provider();
  const base = await readModelFolder(context.baseFolder);
  const contextTokens = base.config.maxPositions;
  const student = await readModelFolder(context.input("train").path("student"));
  const ask = askWithProgress(context, engine, { questions, passes: passesOf(recipe, contextTokens) });
  const completions: Completion[] = [];
  for (const pass of passesOf(recipe, contextTokens))
    completions.push(...(await ask(pass, pass.name === "base" ? base : student)));
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

/** One model under settings that share their beginnings; all greedy, or one sample of each question. */
interface Pass {
  readonly name: Completion["model"];
  readonly settings: readonly ThinkingSetting[];
  readonly sampleIndex: number;
}

function passesOf({ evaluate }: Recipe, contextTokens: number): Pass[] {
  const natural: ThinkingSetting = { mode: "think", budgetTokens: contextTokens, waits: 0 };
  const sampled = { ...natural, temperature: evaluate.temperature };
  return [
    { name: "base", settings: [{ mode: "direct", budgetTokens: 0, waits: 0 }, natural], sampleIndex: 0 },
    { name: "student", settings: evaluationSettings(evaluate, contextTokens), sampleIndex: 0 },
    ...Array.from({ length: evaluate.samples }, (_, sampleIndex) => ({
      name: "student" as const,
      settings: [sampled],
      sampleIndex,
    })),
  ];
}

/** Puts the questions to a model in one pass; progress counts over all passes. */
function askWithProgress(
  { recipe, signal, progress }: StageContext,
  engine: EngineHost,
  { questions, passes }: { readonly questions: readonly Question[]; readonly passes: readonly Pass[] },
): (pass: Pass, model: ModelFolder) => Promise<Completion[]> {
  const total = passes.reduce((sum, { settings }) => sum + settings.length * questions.length, 0);
  let before = 0;
  return async ({ name, settings, sampleIndex }, model) => {
    const onProgress = (done: number): void => progress({ done: before + done, total, unit: "answers", note: name });
    const sampleKey = settings[0]?.temperature === undefined ? {} : { sampleKey: `${recipe.seed}/${sampleIndex}` };
    const options = { ...recipe.evaluate, settings, ...sampleKey, signal, onProgress };
    const replies = await answerQuestions(engine, model, questions, options);
    before += settings.length * questions.length;
    return questions.flatMap(({ id }, row) =>
      (replies[row] ?? []).map((reply) => completionOf({ questionId: id, model: name, sampleIndex }, reply)),
    );
  };
}

function completionOf(place: Pick<Completion, "questionId" | "model" | "sampleIndex">, reply: GradedReply): Completion {
  return { schemaVersion: SCHEMA_VERSION, ...place, ...reply };
}
