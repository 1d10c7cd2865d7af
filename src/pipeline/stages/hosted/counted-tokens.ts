import type { Question, Trace } from "../../../schema/records.ts";

/** Bytes of a token of a question's text, about; few, so that it is rather too many tokens than too few. */
const BYTES_PER_TOKEN = 3;
/** What a chat template puts around question and answer, about. */
const TEMPLATE_TOKENS = 32;

/**
 * Tokens of a trace's thinking without the student's tokenizer: as its teacher counted them, with its own; where it did
 * not tell thinking from answer, by their share of the text.
 */
export function countedThinkingTokens({
  usage,
  thinking,
  answer,
}: Pick<Trace, "usage" | "thinking" | "answer">): number {
  if (usage.reasoningTokens > 0) return usage.reasoningTokens;
  const share = thinking.length / Math.max(1, thinking.length + answer.length);
  return Math.round(share * usage.completionTokens);
}

/** Tokens of a whole example, an estimate: what its teacher wrote, and the question. */
export function countedExampleTokens(
  { text }: Pick<Question, "text">,
  trace: Pick<Trace, "usage" | "thinking" | "answer">,
  { hasThinking }: { readonly hasThinking: boolean },
): number {
  const written = trace.usage.completionTokens - (hasThinking ? 0 : countedThinkingTokens(trace));
  return written + Math.ceil(new TextEncoder().encode(text).length / BYTES_PER_TOKEN) + TEMPLATE_TOKENS;
}
