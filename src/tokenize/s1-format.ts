/**
 * @file The base student's pre-training documents, in s1's format and ChatML:
 * `<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\n{T}\n<|im_start|>answer\n{A}<|im_end|>\n`.
 * Control tokens are placed by id; the texts are encoded as text that can spell none of them.
 *
 * @source s1.md 4.2 (format) and 4.3 (mask), without Qwen's default system turn: a student of ours never saw one.
 */
import { replyForm } from "./thinking-style.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { type EncodedSequence, trainedAfter } from "./training-sequence.ts";

/** One document of the base student's pre-training, in the same format. */
export interface DirectDocument {
  readonly user: string;
  /** null: the assistant's turn is the answer alone. */
  readonly thinking: string | null;
  /** Without prefix; null: the turn ends after the thinking. */
  readonly answer: string | null;
  /** `Final Answer: ` as after a cut (s1.md 5.2d), instead of `Answer: `. */
  readonly isFinal: boolean;
}

/** A pre-training document as a sequence. Nothing is trimmed: a document may end its thinking anywhere. */
export function encodeDocument(tokenizer: Tokenizer, document: DirectDocument): EncodedSequence {
  const { user, thinking, answer, isFinal } = document;
  const prompt = [
    ...tokenizer.encodeControl("<|im_start|>"),
    ...tokenizer.encodeUser(`user\n${user}`),
    ...tokenizer.encodeControl("<|im_end|>\n<|im_start|>assistant\n"),
  ];
  const text = answer === null ? null : `${isFinal ? "Final " : ""}Answer: ${answer}`;
  const reply = replyForm(tokenizer, "s1").encode({ thinking, answer: text });
  return trainedAfter(prompt, [...reply, ...tokenizer.encodeControl("<|im_end|>\n")]);
}
