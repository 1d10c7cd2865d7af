import type { EngineHost } from "../../adapters/engine/open-engine.ts";
import { type ModelFolder, readModelFolder } from "../../adapters/model-folder.ts";
import { AppError } from "../../core/errors.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { type Completion, type Question, SCHEMA_VERSION } from "../../schema/records.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { answerQuestions } from "./answer-questions.ts";
import { holdsOut } from "../sources/source-places.ts";
import type { EngineProvider } from "./engine-provider.ts";
import { writeEvaluation } from "./evaluation-output.ts";
import { familiesOf, heldOutQuestions, type Pass, passesOf, sampleKeyOf } from "./evaluation-passes.ts";
import { checkAsked } from "./gates.ts";
import type { GradedReply } from "./grade-generation.ts";
import { baseEndpoint } from "./hosted/base-endpoint.ts";
import { evaluateByLauncher, isAskedByLauncher } from "./launched/evaluate.ts";
import type { LaunchedWorld } from "./launched/launched-world.ts";
import { checkLauncher } from "./launched/train.ts";
import { evaluateAtProvider, hostedEvaluation } from "./hosted/evaluate.ts";
import type { TeacherWorld } from "./teacher-world.ts";

/**
 * Puts held-out questions to base and student, greedily: a direct answer, and thinking under a ladder of budgets, to its
 * natural end, and past it; and samples the student for a majority vote where the recipe asks for it. With the embedded engine,
 * or by the launcher that trained a student too large for it. Outputs `questions.jsonl`, `completions.jsonl`, `scores.jsonl` and `verdict.json`.
 */
export function evaluateStage(engine: EngineProvider, world: TeacherWorld, launched?: LaunchedWorld): Stage {
  return {
    name: "evaluate",
    inputs: (recipe) => (recipe.student.hosted && holdsOut(recipe) ? ["collect", "train"] : ["train"]),
    facts: ({ student, evaluate: { on } }) => {
      if (student.hosted) return [];
      const base = ["baseWeights", "tokenizer", "chatTemplate"] as const;
      return on === "launcher" ? base : [...base, "kernelBuild"];
    },
    codeVersion: 3,
    // The batch size changes no result: decoding does not depend on batch-mates. Nor does the temperature of no samples.
    config: (recipe) => {
      const { evaluate: asked, collect, seed, student } = recipe;
      const families = familiesOf(collect);
      if (student.hosted) return { ...hostedEvaluation(recipe), families };
      const { batchSize: _, maxUsd: _cap, on, temperature, reject, maxTries, ...evaluate } = asked;
      const tried = reject.length === 0 ? {} : { reject, maxTries };
      const where = on === "auto" ? {} : { on };
      const isSampled = evaluate.samples > 0 || reject.length > 0;
      return { ...evaluate, ...tried, ...where, ...(isSampled ? { temperature } : {}), families, seed };
    },
    plan: ({ evaluate, student }) =>
      student.hosted
        ? `${evaluate.count} questions of bucket ${evaluate.bucket} to base and student, to their natural end alone`
        : `${evaluate.count} questions of bucket ${evaluate.bucket}, ${evaluate.budgets.length} budgets, waits ${evaluate.waits.join(", ")}${rejectionText(evaluate)}`,
    check: async (recipe) => {
      const { launcher } = recipe.train;
      if (launcher !== undefined && isAskedByLauncher(recipe, launched)) {
        refuseRejection(recipe);
        return await checkLauncher(launcher, launched as LaunchedWorld);
      }
      if (launcher !== undefined && launched?.isHeldHere === false) throw tooLargeHere(recipe);
      if (!recipe.student.hosted) return;
      refuseVotes(recipe);
      refuseRejection(recipe);
      checkAsked([{ endpoint: baseEndpoint(recipe), called: "the student" }], recipe, world);
    },
    run: async (context) => {
      if (context.recipe.student.hosted) return await evaluateAtProvider(context, world, heldOutQuestions);
      if (launched !== undefined && isAskedByLauncher(context.recipe, launched))
        return await evaluateByLauncher(context, launched);
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
      hint: "set evaluate.on to auto or launcher",
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

function rejectionText({ reject, maxTries }: Recipe["evaluate"]): string {
  return reject.length === 0 ? "" : `, up to ${maxTries} tries above ${reject.join(", ")}`;
}

function refuseRejection({ evaluate }: Recipe): void {
  if (evaluate.reject.length === 0) return;
  throw new AppError("recipe-invalid", "evaluate.reject is for students that the embedded engine asks", {
    hint: "leave it out: a hosted student, and one that a launcher asks, cannot be tried again by length",
    data: { reject: evaluate.reject },
  });
}

async function evaluate(context: StageContext, provider: EngineProvider): Promise<StageSummary> {
  const { recipe } = context;
  const questions = heldOutQuestions(recipe);
  const engine = await provider();
  const base = await readModelFolder(context.baseFolder);
  const contextTokens = base.config.maxPositions;
  const student = await readModelFolder(context.input("train").path("student"));
  const ask = askWithProgress(context, engine, { questions, passes: passesOf(recipe, contextTokens) });
  const completions: Completion[] = [];
  for (const pass of passesOf(recipe, contextTokens))
    completions.push(...(await ask(pass, pass.name === "base" ? base : student)));
  return await writeEvaluation(context, { questions, completions, contextTokens });
}

/** Puts the questions to a model in one pass; progress counts over all passes. */
function askWithProgress(
  { recipe, signal, progress }: StageContext,
  engine: EngineHost,
  { questions, passes }: { readonly questions: readonly Question[]; readonly passes: readonly Pass[] },
): (pass: Pass, model: ModelFolder) => Promise<Completion[]> {
  const total = passes.reduce((sum, { settings }) => sum + settings.length * questions.length, 0);
  let before = 0;
  return async (pass, model) => {
    const { name, settings, sampleIndex } = pass;
    const onProgress = (done: number): void => progress({ done: before + done, total, unit: "answers", note: name });
    const sampleKey = sampleKeyOf(pass, recipe);
    const sampled = sampleKey === undefined ? {} : { sampleKey };
    const options = { ...recipe.evaluate, settings, ...sampled, signal, onProgress };
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
