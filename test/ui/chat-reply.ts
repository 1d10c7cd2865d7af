import type { ChatReply } from "../../src/pipeline/services.ts";

/** A reply that thought two tokens and answered with one. */
export const CHAT_REPLY: ChatReply = {
  thinking: "",
  answer: "",
  thinkingTokens: 2,
  answerTokens: 1,
  forcedTokens: 0,
  end: "natural",
};
