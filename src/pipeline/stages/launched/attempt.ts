/** @file The base's tries at the questions by the launcher that will train it: a base too large for the embedded engine. */
import { basename } from "node:path";
import { isHubReference } from "../../../adapters/datasets/hub/hub-reference.ts";
import { readTokenizerFolder } from "../../../adapters/model-folder.ts";
import { promptsOf } from "../../../decode/generate-prompts.ts";
import { generationsOf } from "../../../decode/generate-replies.ts";
import type { GeneratePrompt } from "../../../schema/generate-job.ts";
import type { Question, ThinkingSetting } from "../../../schema/records.ts";
import { thinkingDelimiters } from "../../../tokenize/thinking-delimiters.ts";
import type { StageContext } from "../../stage.ts";
import { gradeGeneration, type GradedReply } from "../grade-generation.ts";
import { openReplyGrader } from "../grade-reply.ts";
import { askByLauncher } from "./ask-by-launcher.ts";
import { contextOf } from "./evaluate.ts";
import type { LaunchedWorld } from "./launched-world.ts";
import { jobBase } from "./models.ts";

/** What the base made of the questions: one array of replies a question, in the settings' order. */
export interface LaunchedTries {
  readonly replies: readonly (readonly GradedReply[])[];
  /** The base's name in records. */
  readonly model: string;
  readonly costMicroUsd: number;
  readonly isEstimated: boolean;
}

/** Has the base try every question under every setting, or goes on with that. */
export async function tryByLauncher(
  context: StageContext,
  world: LaunchedWorld,
  asked: {
    readonly questions: readonly Question[];
    readonly settings: readonly ThinkingSetting[];
    readonly answerTokens: number;
  },
): Promise<LaunchedTries> {
  const { questions, settings, answerTokens } = asked;
  const folder = await readTokenizerFolder(context.baseFolder);
  const contextTokens = await contextOf(context.baseFolder);
  const delimiters = thinkingDelimiters(folder.tokenizer, "Wait", folder.style);
  const pass = { model: "base", settings, name: "greedy" };
  const prompts = promptsOf(questions, pass, { ...folder, delimiters, contextTokens, answerTokens });
  const { job, book, costMicroUsd, isEstimated } = await askByLauncher(context, world, {
    account: "attempt",
    what: "the base's tries",
    unit: "attempts",
    ownCapMicroUsd: undefined,
    capHint: "maxUsd",
    models: [{ name: "base", model: jobBase(context), delimiters }],
    prompts,
    contextTokens,
    choosableIds: folder.tokenizer.vocabularySize,
    answerTokens,
  });
  const grader = openReplyGrader(context.signal);
  try {
    const replies: GradedReply[][] = [];
    for (const [place, question] of questions.entries()) {
      const prompt = prompts[place] as GeneratePrompt;
      const generations = generationsOf(prompt, job, book.of(prompt));
      const graded = settings.flatMap((setting) => {
        const generation = generations[prompt.settings.indexOf(setting)];
        return generation ? [gradeGeneration({ question, setting, generation }, { ...folder, grader })] : [];
      });
      replies.push(await Promise.all(graded));
    }
    return { replies, model: baseName(context), costMicroUsd, isEstimated };
  } finally {
    await grader.close();
  }
}

/** A folder's name alone: its path depends on where the run lies. */
function baseName({ recipe: { student } }: StageContext): string {
  return isHubReference(student.base) ? `base-${student.base}` : `base-${basename(student.base)}`;
}
