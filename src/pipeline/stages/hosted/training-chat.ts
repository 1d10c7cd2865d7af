import type { Question, Trace } from "../../../schema/records.ts";

/** Bases whose chats have a place for reasoning (docs.together.ai/docs/fine-tuning/reasoning, read 2026-11-25). */
const REASONING_BASES = /^(Qwen\/Qwen3|zai-org\/GLM-|google\/gemma-4|openai\/gpt-oss)/;

/** One message. */
export interface TrainingMessage {
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly reasoning_content?: string | undefined;
}

/** Whether a base is trained with a field for reasoning of its own. */
export const hasReasoningField = (base: string): boolean => REASONING_BASES.test(base);

/** A trace as a chat to train on. A base without a place for reasoning learns to write the delimiters that it is later read by. */
export function trainingChat(
  { text }: Pick<Question, "text">,
  { thinking, answer }: Pick<Trace, "thinking" | "answer">,
  base: string,
): { readonly messages: readonly TrainingMessage[] } {
  const user: TrainingMessage = { role: "user", content: text };
  const assistant: TrainingMessage = { role: "assistant", content: answer };
  if (thinking === "") return { messages: [user, assistant] };
  if (hasReasoningField(base)) return { messages: [user, { ...assistant, reasoning_content: thinking }] };
  return { messages: [user, { ...assistant, content: `<think>\n${thinking}\n</think>\n\n${answer}` }] };
}
