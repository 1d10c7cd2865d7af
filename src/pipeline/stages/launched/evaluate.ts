/** @file The evaluation of base and student by the launcher that trained it: the same questions, settings, graders and files as here. */
import { join } from "node:path";
import { z } from "zod";
import { nodeFileSystem } from "../../../adapters/file-system.ts";
import { checkModelFiles } from "../../../adapters/model-files.ts";
import { readTokenizerFolder, type TokenizerFolder } from "../../../adapters/model-folder.ts";
import { AppError } from "../../../core/errors.ts";
import { promptKey, type PromptPass, promptsOf } from "../../../decode/generate-prompts.ts";
import { generationsOf } from "../../../decode/generate-replies.ts";
import { formatUsd, microUsdFromUsd } from "../../../ledger/money.ts";
import type { GeneratePrompt } from "../../../schema/generate-job.ts";
import type { Recipe } from "../../../schema/recipe.ts";
import { type Completion, type Question, SCHEMA_VERSION, type ThinkingSetting } from "../../../schema/records.ts";
import { thinkingDelimiters } from "../../../tokenize/thinking-delimiters.ts";
import { parseRecord } from "../../parse-record.ts";
import type { StageContext, StageSummary } from "../../stage.ts";
import { writeEvaluation } from "../evaluation-output.ts";
import { heldOutQuestions, type Pass, passesOf, sampleKeyOf } from "../evaluation-passes.ts";
import { gradeGeneration } from "../grade-generation.ts";
import { openReplyGrader } from "../grade-reply.ts";
import { askByLauncher, type LaunchedReplies } from "./ask-by-launcher.ts";
import type { LaunchedWorld } from "./launched-world.ts";
import { jobBase, jobStudent } from "./models.ts";

/** Whether the launcher asks base and student; otherwise the embedded engine does. */
export function isAskedByLauncher(recipe: Recipe, launched: LaunchedWorld | undefined): boolean {
  const { on } = recipe.evaluate;
  if (recipe.train.launcher === undefined || launched === undefined) return false;
  return on === "launcher" || (on === "auto" && !launched.isHeldHere);
}

/** Asks by the launcher, or goes on with it; writes what the embedded evaluation writes. */
export async function evaluateByLauncher(context: StageContext, world: LaunchedWorld): Promise<StageSummary> {
  const { recipe, baseFolder } = context;
  const questions = heldOutQuestions(recipe);
  const folder = await readTokenizerFolder(baseFolder);
  const contextTokens = await contextOf(baseFolder);
  await checkModelFiles(context.input("train").path("student"));
  const delimiters = {
    base: thinkingDelimiters(folder.tokenizer, "Wait", folder.style),
    student: thinkingDelimiters(folder.tokenizer, "Wait", recipe.tokenize.style),
  };
  const asked = passesOf(recipe, contextTokens).map((pass) => {
    const room = { ...folder, delimiters: delimiters[pass.name], contextTokens, ...recipe.evaluate };
    return { pass, prompts: promptsOf(questions, promptPass(pass, recipe), room) };
  });
  const { maxUsd } = recipe.evaluate;
  const replies = await askByLauncher(context, world, {
    account: "evaluate",
    what: "the evaluation",
    unit: "answers",
    ownCapMicroUsd: maxUsd === undefined ? undefined : microUsdFromUsd(maxUsd),
    capHint: "evaluate.maxUsd",
    models: [
      { name: "base", model: jobBase(context), delimiters: delimiters.base },
      { name: "student", model: jobStudent(context), delimiters: delimiters.student },
    ],
    prompts: asked.flatMap(({ prompts }) => prompts),
    contextTokens,
    choosableIds: folder.tokenizer.vocabularySize,
    answerTokens: recipe.evaluate.answerTokens,
  });
  const completions: Completion[] = [];
  for (const { pass, prompts } of asked)
    completions.push(...(await completionsOf(context, { pass, prompts, questions, replies, folder })));
  const summary = await writeEvaluation(context, { questions, completions, contextTokens });
  const { costMicroUsd, isEstimated, server } = replies;
  const paid = costMicroUsd > 0 ? { costMicroUsd, isEstimated } : {};
  if (server !== undefined) context.measure("server", server);
  return {
    ...summary,
    notes: { ...summary.notes, ...paid },
    outcome: `${summary.outcome ?? ""}${costMicroUsd > 0 ? `, ${formatUsd(costMicroUsd)}` : ""}`,
  };
}

function promptPass(pass: Pass, recipe: Recipe): PromptPass {
  const { name, settings, sampleIndex } = pass;
  const sampleKey = sampleKeyOf(pass, recipe);
  return { model: name, settings, sampleKey, name: sampleKey === undefined ? "greedy" : `sample-${sampleIndex}` };
}

interface PassReplies {
  readonly pass: Pass;
  readonly prompts: readonly GeneratePrompt[];
  readonly questions: readonly Question[];
  readonly replies: LaunchedReplies;
  readonly folder: TokenizerFolder;
}

/** A pass's completions, question by question, settings in the pass's own order. */
async function completionsOf(context: StageContext, found: PassReplies): Promise<Completion[]> {
  const { pass, prompts, questions, replies, folder } = found;
  const { name, sampleIndex } = pass;
  const promptOf = new Map(prompts.map((prompt) => [prompt.key, prompt]));
  const grader = openReplyGrader(context.signal);
  try {
    const completions: Completion[] = [];
    for (const question of questions) {
      const prompt = promptOf.get(promptKey(promptPass(pass, context.recipe), question.id)) as GeneratePrompt;
      const generations = generationsOf(prompt, replies.job, replies.book.of(prompt));
      const graded = pass.settings.map(async (setting): Promise<Completion> => {
        const generation = generations[placeOf(prompt.settings, setting)];
        if (generation === undefined) throw new Error("bug in grappa: a setting was asked and has no reply");
        const reply = await gradeGeneration({ question, setting, generation }, { ...folder, grader });
        return { schemaVersion: SCHEMA_VERSION, questionId: question.id, model: name, sampleIndex, ...reply };
      });
      completions.push(...(await Promise.all(graded)));
    }
    return completions;
  } finally {
    await grader.close();
  }
}

const placeOf = (settings: readonly ThinkingSetting[], setting: ThinkingSetting): number => settings.indexOf(setting);

const Config = z.looseObject({ max_position_embeddings: z.int().min(1).optional() });
const MAX_CONFIG_BYTES = 1 << 20;

/** Most tokens of one sequence, by the base's configuration. */
export async function contextOf(baseFolder: string): Promise<number> {
  const path = join(baseFolder, "config.json");
  const config = parseRecord(await nodeFileSystem().readText(path, MAX_CONFIG_BYTES), Config, path);
  if (config.max_position_embeddings !== undefined) return config.max_position_embeddings;
  throw new AppError("checkpoint-corrupt", `${path} does not say how many positions the model has`, {
    hint: "give max_position_embeddings there",
  });
}
