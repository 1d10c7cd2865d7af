/** @file The tokenize stage of a student that another trains: examples stay text, and their tokens are an estimate. */
import { buildFunnel } from "../../../curate/funnel.ts";
import type { ExampleFault } from "../../../tokenize/example-gates.ts";
import { gatesFailed, gateTally } from "../../../tokenize/gate-report.ts";
import type { StageContext, StageSummary } from "../../stage.ts";
import { type ChosenTexts, chosenTexts } from "../chosen-texts.ts";
import { countedExampleTokens } from "./counted-tokens.ts";
import { hasReasoningField, trainingChat } from "./training-chat.ts";

/** Chats to train on, one a line, as fine-tuning APIs take them. */
export const TRAINING_FILE = "training.jsonl";

/** What a chat must not spell: the provider's template writes these around thinking and turns. */
const DELIMITER_TEXT = /<\/?think>|<\|im_(?:start|end)\|>|<\|endoftext\|>/;

/** Writes the chosen traces as chats; nothing is cut. Outputs `training.jsonl`. */
export async function writeTrainingChats({
  recipe,
  input,
  output,
  progress,
  warn,
}: StageContext): Promise<StageSummary> {
  const hasThinking = recipe.tokenize.target === "traces";
  if (!hasThinking && hasReasoningField(recipe.student.base))
    warn(`${recipe.student.base} reasons: trained on answers alone it may lose that, as its provider's docs say`);
  const chosen = await chosenTexts(input);
  const tally = gateTally();
  const lengths: number[] = [];
  const rows = chosen.map(({ question, trace }) => {
    const shown = hasThinking ? trace : { ...trace, thinking: "" };
    const tokens = countedExampleTokens(question, trace, { hasThinking });
    lengths.push(tokens);
    tally.add(trace.id, chatFaults({ question, trace: shown }, { tokens, hasThinking, ...recipe.tokenize }));
    return trainingChat(question, shown, recipe.student.base);
  });
  const failed = tally.results();
  if (failed.length > 0) throw gatesFailed(failed, { rows: chosen.length });
  await output.writeRows(TRAINING_FILE, rows);
  progress({ done: rows.length, total: chosen.length, unit: "examples" });
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return {
    funnel: [buildFunnel("tokenize", chosen.length, { kept: rows, dropped: [] })],
    notes: {
      tokens,
      meanTokens: Math.round(tokens / Math.max(1, rows.length)),
      longestTokens: lengths.reduce((longest, length) => Math.max(longest, length), 0),
      isEstimated: true,
    },
  };
}

/** The gates that a text can be put through without the student's tokenizer. */
export function chatFaults(
  { question, trace }: ChosenTexts,
  {
    tokens,
    hasThinking,
    maxLength,
  }: { readonly tokens: number; readonly hasThinking: boolean; readonly maxLength: number },
): ExampleFault[] {
  const faults: ExampleFault[] = [];
  const add = (reason: ExampleFault["reason"], detail: string): void => void faults.push({ reason, detail });
  if (question.text.trim() === "") add("empty-question", "the question has no text");
  if (hasThinking && trace.thinking.trim() === "") add("empty-thinking", "the thinking has no text");
  if (trace.answer.trim() === "") add("empty-answer", "the answer has no text");
  const texts = { question: question.text, thinking: trace.thinking, answer: trace.answer };
  for (const [name, text] of Object.entries(texts)) {
    const spelled = DELIMITER_TEXT.exec(text)?.[0];
    if (spelled !== undefined) add("control-text", `the ${name} spells ${spelled}`);
  }
  if (tokens > maxLength) add("too-long", `about ${tokens} tokens exceed maxLength ${maxLength}`);
  return faults;
}
