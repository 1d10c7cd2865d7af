/**
 * @file What a user writes against a server that reads prompts as text: there, and only there, a control token that is spelled out
 * becomes one. Such a request is refused, or its spellings are broken.
 */
import type { ChatMessage } from "../tokenize/chat.ts";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import { ApiError } from "./openai/api-error.ts";

/** What is done with a spelling. */
export type SpellingRule = "refuse" | "neutralise";

/** Invisible, without width, and part of no control token. */
const BREAK = "\u200B";
/** A spelling may appear where another was broken; a text in which they never end is refused. */
const MAX_ROUNDS = 8;

/**
 * A text that spells no control token.
 * @throws {ApiError} 400: it spells one, and is to be refused or cannot be broken
 */
export function withoutSpellings(
  text: string,
  { tokenizer, rule, param }: { tokenizer: Tokenizer; rule: SpellingRule; param: string },
): string {
  let safe = text;
  for (let round = 0; rule === "neutralise" && round < MAX_ROUNDS && tokenizer.hasControlSpelling(safe); round++)
    safe = broken(safe, tokenizer);
  if (!tokenizer.hasControlSpelling(safe)) return safe;
  throw refusal(param);
}

/** As {@link withoutSpellings}, for each message. */
export function messagesWithoutSpellings(
  messages: readonly ChatMessage[],
  { tokenizer, rule }: { tokenizer: Tokenizer; rule: SpellingRule },
): readonly ChatMessage[] {
  return messages.map((message) => ({
    ...message,
    content: withoutSpellings(message.content, { tokenizer, rule, param: "messages" }),
  }));
}

/**
 * Makes sure that a prompt, read as text, holds the very control tokens that it holds in ids: no text and what stands beside it
 * make one together.
 * @throws {ApiError} 400
 */
export function checkPromptAsText(promptIds: readonly number[], tokenizer: Tokenizer): void {
  const control = new Set(tokenizer.addedTokens.values());
  const meant = promptIds.filter((id) => control.has(id));
  const read = tokenizer.splitControl(tokenizer.decode(promptIds)).filter((part) => typeof part === "number");
  if (read.join() !== meant.join()) throw refusal("messages");
}

/** Puts a break behind the first character of each spelling. */
function broken(text: string, tokenizer: Tokenizer): string {
  return tokenizer
    .splitControl(text)
    .map((part) => {
      if (typeof part === "string") return part;
      const [first = "", ...rest] = tokenizer.decode([part]);
      return `${first}${BREAK}${rest.join("")}`;
    })
    .join("");
}

function refusal(param: string): ApiError {
  return new ApiError(
    400,
    `${param} spell a control token of the model; the server behind this one reads text, and would take it for one`,
    { param, code: "control_tokens" },
  );
}
