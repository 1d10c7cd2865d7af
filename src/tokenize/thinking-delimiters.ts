import type { Tokenizer } from "./build-tokenizer.ts";

/**
 * The ids between which a student thinks and answers, encoded once with special tokens allowed. Plain data, so that the
 * thinking-budget machine that carries it stays plain data too.
 *
 * @source s1.md 4.2 and 5.2: the existing special token `<|im_start|>` followed by the plain words think and answer.
 */
export interface ThinkingDelimiters {
  /** `<|im_start|>think`, no newline: the model writes that itself. */
  readonly thinkStart: readonly number[];
  /** `<|im_start|>answer`, no newline: what follows a natural end of thinking, or the prompt of a direct answer. */
  readonly answerStart: readonly number[];
  /** `<|im_start|>answer\nFinal Answer:`, what follows a cut; the newline before it is `newline`. */
  readonly cutAnswer: readonly number[];
  /** `\n`. */
  readonly newline: readonly number[];
  /** Every id whose text ends in a newline; after one of these a cut writes no newline of its own. */
  readonly newlineEndings: readonly number[];
  /** The text that replaces a swallowed end of thinking, `Wait` in s1; may be empty. */
  readonly wait: readonly number[];
  readonly stopIds: {
    /** `<|im_start|>` */
    readonly imStart: number;
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
 */
export function thinkingDelimiters(tokenizer: Tokenizer, waitText = "Wait"): ThinkingDelimiters {
  const { imStart, imEnd, endOfText } = tokenizer.controlIds;
  const newline = "\n".charCodeAt(0);
  const newlineEndings: number[] = [];
  for (let id = 0; id < tokenizer.vocabularySize; id++)
    if (tokenizer.bytesOf(id).at(-1) === newline) newlineEndings.push(id);
  return {
    thinkStart: [imStart, ...tokenizer.encodeUser("think")],
    answerStart: [imStart, ...tokenizer.encodeUser("answer")],
    cutAnswer: [imStart, ...tokenizer.encodeUser("answer\nFinal Answer:")],
    newline: tokenizer.encodeUser("\n"),
    newlineEndings,
    wait: tokenizer.encodeUser(waitText),
    stopIds: { imStart, imEnd, endOfText },
  };
}
