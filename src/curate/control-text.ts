/**
 * Spellings of control tokens: `<|...|>` (Qwen, Llama), the same with full-width bars (DeepSeek), `<think>`, turns and ends of
 * sequences (Gemma, Llama 2), `[INST]`. Encoded as text they are harmless, but they are no reasoning.
 */
const CONTROL_TEXT =
  /<\|[^|<>\s]{1,40}\|>|<｜[^｜<>\s]{1,40}｜>|<\/?think>|<(?:start|end)_of_turn>|<(?:bos|eos|pad)>|<\/s>|\[\/?INST\]/u;

/** The first control token that a text spells, or undefined. */
export function controlTextIn(text: string): string | undefined {
  return CONTROL_TEXT.exec(text)?.[0];
}
