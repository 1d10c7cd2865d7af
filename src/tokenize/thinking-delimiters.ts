import { AppError } from "../core/errors.ts";
import type { Tokenizer } from "./build-tokenizer.ts";
import { replyForm, type ThinkingStyle } from "./thinking-style.ts";

/**
 * The ids between which a student thinks and answers, encoded once with special tokens allowed. Plain data, so that the
 * thinking-budget machine that carries it stays plain data too.
 *
 * @source s1.md 4.2 and 5.2: the existing special token `<|im_start|>` followed by the plain words think and answer.
 */
export interface ThinkingDelimiters {
  /** `<|im_start|>think` or `<think>`, no newline: the model writes that itself. */
  readonly thinkStart: readonly number[];
  /** `<|im_start|>answer` or `</think>`, no newline: what follows a natural end of thinking. */
  readonly answerStart: readonly number[];
  /** The prompt of a direct answer: `<|im_start|>answer`, or empty thinking, `<think>\n\n</think>\n\n`. */
  readonly directStart: readonly number[];
  /** `<|im_start|>answer\nFinal Answer:` or `</think>\n\nFinal Answer:`, what follows a cut; the newline before it is `newline`. */
  readonly cutAnswer: readonly number[];
  /** `\n`. */
  readonly newline: readonly number[];
  /** Every id whose text ends in a newline; after one of these a cut writes no newline of its own. */
  readonly newlineEndings: readonly number[];
  /** The text that replaces a swallowed end of thinking, `Wait` in s1; may be empty. */
  readonly wait: readonly number[];
  readonly stopIds: {
    /** `<|im_start|>` or `</think>`: ends thinking, and has no place in an answer. */
    readonly thinkingEnd: number;
    /** `<|im_end|>` */
    readonly imEnd: number;
    /** `<|endoftext|>` */
    readonly endOfText: number;
  };
}

/**
 * The delimiters in a tokenizer's ids.
 *
 * @param waitText What replaces a swallowed end of thinking; text, so it can spell no control token.
 * @throws {AppError} usage: the style needs a token that the tokenizer has not: a decoder stops at one id.
 */
export function thinkingDelimiters(
  tokenizer: Tokenizer,
  waitText = "Wait",
  style: ThinkingStyle = "s1",
): ThinkingDelimiters {
  const { imEnd, endOfText } = tokenizer.controlIds;
  const form = replyForm(tokenizer, style);
  const [thinkingEnd] = form.answerOpen;
  if (!form.hasOwnTokens || thinkingEnd === undefined) throw noThinkToken();
  const newline = "\n".charCodeAt(0);
  const newlineEndings: number[] = [];
  for (let id = 0; id < tokenizer.vocabularySize; id++)
    if (tokenizer.bytesOf(id).at(-1) === newline) newlineEndings.push(id);
  const finalAnswer = style === "s1" ? "answer\nFinal Answer:" : "\n\nFinal Answer:";
  return {
    thinkStart: form.thinkOpen,
    answerStart: form.answerOpen,
    directStart: form.directOpen,
    cutAnswer: [thinkingEnd, ...tokenizer.encodeUser(finalAnswer)],
    newline: tokenizer.encodeUser("\n"),
    newlineEndings,
    wait: tokenizer.encodeUser(waitText),
    stopIds: { thinkingEnd, imEnd, endOfText },
  };
}

function noThinkToken(): AppError {
  return new AppError(
    "usage",
    'the student\'s tokenizer has no tokens "<think>" and "</think>"; the embedded decoder ends thinking at one token',
    {
      hint: 'set tokenize.style to "s1", or take a base that has them, such as Qwen3',
      data: { style: "think", possible: ["s1"] },
    },
  );
}
