/** @file The tokenize stage of a student that another trains: examples stay text, and their tokens are an estimate. */
import { AppError } from "../../../core/errors.ts";
import { buildFunnel } from "../../../curate/funnel.ts";
import { Question, Selection, Trace } from "../../../schema/records.ts";
import type { StageContext, StageSummary } from "../../stage.ts";
import { countedExampleTokens } from "./counted-tokens.ts";
import { trainingChat } from "./training-chat.ts";

/** Chats to train on, one a line, as fine-tuning APIs take them. */
export const TRAINING_FILE = "training.jsonl";

/** Writes the chosen traces as chats; nothing is cut. Outputs `training.jsonl`. */
export async function writeTrainingChats({ recipe, input, output, progress }: StageContext): Promise<StageSummary> {
  const { maxLength, target } = recipe.tokenize;
  const hasThinking = target === "traces";
  const questions = new Map((await input("attempt").readRows("questions.jsonl", Question)).map((one) => [one.id, one]));
  const wanted = await input("select").readRows("selection.jsonl", Selection);
  const ids = new Set(wanted.map(({ traceId }) => traceId));
  const traces = new Map<string, Trace>();
  for await (const trace of input("trace").streamRows("traces.jsonl", Trace))
    if (ids.has(trace.id)) traces.set(trace.id, trace);
  const lengths: number[] = [];
  const rows = wanted.map(({ questionId, traceId }) => {
    const [question, trace] = [questions.get(questionId), traces.get(traceId)];
    if (question === undefined || trace === undefined)
      throw new Error(`bug in grappa: ${traceId} was chosen and is not there`);
    const tokens = countedExampleTokens(question, trace, { hasThinking });
    if (tokens > maxLength) throw tooLong(traceId, tokens, maxLength);
    lengths.push(tokens);
    return trainingChat(question, hasThinking ? trace : { ...trace, thinking: "" }, recipe.student.base);
  });
  await output.writeRows(TRAINING_FILE, rows);
  progress({ done: rows.length, total: wanted.length, unit: "examples" });
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return {
    funnel: [buildFunnel("tokenize", wanted.length, { kept: rows, dropped: [] })],
    notes: {
      tokens,
      meanTokens: Math.round(tokens / Math.max(1, rows.length)),
      longestTokens: Math.max(0, ...lengths),
      isEstimated: true,
    },
  };
}

function tooLong(traceId: string, tokens: number, maxLength: number): AppError {
  return new AppError(
    "limit-exceeded",
    `trace ${traceId} cannot be made into an example: about ${tokens} tokens, and tokenize.maxLength is ${maxLength}`,
    { hint: "raise tokenize.maxLength, or lower select.maxThinkingTokens", data: { traceId, tokens, maxLength } },
  );
}
