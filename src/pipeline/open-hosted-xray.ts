/**
 * @file The examples of a run whose student a provider trains, as the chats that are sent: the provider's own template and mask
 * make tokens of them, which nobody here sees. What can be checked without a tokenizer is.
 */
import { z } from "zod";
import { isDeepStrictEqual } from "node:util";
import type { FileSystem } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import type { HostedStudent, Recipe } from "../schema/recipe.ts";
import type { ExampleFault } from "../tokenize/example-gates.ts";
import { openStageAsItLies } from "./finished-stages.ts";
import { inputsOf } from "./open-xray.ts";
import { readRecipe } from "./run-folder.ts";
import { chosenTexts } from "./stages/chosen-texts.ts";
import { countedExampleTokens, countedThinkingTokens } from "./stages/hosted/counted-tokens.ts";
import { chatFaults, TRAINING_FILE } from "./stages/hosted/tokenize.ts";
import { type TrainingMessage, trainingChat } from "./stages/hosted/training-chat.ts";

/** One chat as it is sent, with what is known of it. */
export interface HostedXrayRow {
  readonly questionId: string;
  readonly traceId: string;
  readonly messages: readonly TrainingMessage[];
  /** Counted by the teacher, an estimate of what the student's tokenizer counts. */
  readonly estimatedTokens: number;
  readonly estimatedThinkingTokens: number;
  readonly faults: readonly ExampleFault[];
}

/** A run open for the x-ray. */
export interface HostedXrayRun {
  readonly recipe: Recipe;
  readonly hosted: HostedStudent;
  rows(): AsyncIterable<HostedXrayRow>;
}

const Chat = z.strictObject({
  messages: z.array(
    z.strictObject({
      role: z.enum(["user", "assistant"]),
      content: z.string(),
      reasoning_content: z.string().optional(),
    }),
  ),
});

/**
 * Opens a run whose student a provider trains and whose tokenize stage is done; undefined where the student is trained here.
 *
 * @throws AppError "file-missing" while it is not; "run-changed" when earlier stages have run again since
 */
export async function openHostedXray(fs: FileSystem, folder: string): Promise<HostedXrayRun | undefined> {
  const recipe = await readRecipe(fs, folder);
  const hosted = recipe?.student.hosted;
  if (recipe === undefined || hosted === undefined) return undefined;
  const tokenized = await openStageAsItLies(fs, folder, "tokenize");
  const chosen = await chosenTexts(await inputsOf(fs, folder, tokenized));
  const hasThinking = recipe.tokenize.target === "traces";
  async function* rows(): AsyncGenerator<HostedXrayRow> {
    let place = 0;
    for await (const { messages } of tokenized.streamRows(TRAINING_FILE, Chat)) {
      const texts = chosen[place];
      place += 1;
      if (texts === undefined) throw otherRows(tokenized.path(TRAINING_FILE), place);
      const { question, trace } = texts;
      const shown = hasThinking ? trace : { ...trace, thinking: "" };
      const tokens = countedExampleTokens(question, trace, { hasThinking });
      const faults = chatFaults({ question, trace: shown }, { tokens, hasThinking, ...recipe!.tokenize });
      const isAsChosen = isDeepStrictEqual({ messages }, trainingChat(question, shown, recipe!.student.base));
      if (!isAsChosen) faults.push({ reason: "text-differs", detail: "the chat is not that of the chosen trace" });
      yield {
        questionId: question.id,
        traceId: trace.id,
        messages,
        estimatedTokens: tokens,
        estimatedThinkingTokens: hasThinking ? countedThinkingTokens(trace) : 0,
        faults,
      };
    }
    if (place < chosen.length) throw otherRows(tokenized.path(TRAINING_FILE), place + 1);
  }
  return { recipe, hosted, rows };
}

function otherRows(path: string, row: number): AppError {
  return new AppError("file-corrupt", `${path}: row ${row} is not in the selection, or missing`, {
    hint: "run again with --from tokenize",
    data: { row },
  });
}
