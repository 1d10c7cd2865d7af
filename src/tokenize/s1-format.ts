/**
 * @file Questions, thinking and answers as training sequences in s1's format:
 * `<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\n{T}\n<|im_start|>answer\n{A}<|im_end|>\n`.
 * Control tokens are placed by id; what people and models wrote is encoded as text that can spell none of them.
 *
 * @source s1.md 4.2 (format) and 4.3 (mask), without Qwen's default system turn: a student of ours never saw one.
 */
import type { Tokenizer } from "./tokenizer.ts";

/** Label of a position whose prediction is not trained. */
export const IGNORED = -100;

/** One training sequence: ids and, per position, the same id to learn or {@link IGNORED}; as in transformers. */
export interface EncodedSequence {
  readonly inputIds: readonly number[];
  readonly labels: readonly number[];
}

/** What the tokenize stage writes of one selected trace. */
export interface EncodedExample extends EncodedSequence {
  /** Ids between the thinking and answer delimiters, as the decoder counts them. */
  readonly thinkingTokens: number;
}

/** Why an example cannot be trained on; closed and countable. Nothing is ever cut to fit. */
export type ExampleFault =
  | "empty-question"
  | "empty-thinking"
  | "empty-answer"
  | "control-text"
  | "too-long"
  | "header-missing"
  | "thinking-missing"
  | "answer-missing"
  | "end-missing"
  | "mask-wrong"
  | "mask-empty";

/** An example, or the gate that it failed. */
export type ExampleOutcome =
  | { readonly status: "ok"; readonly example: EncodedExample }
  | { readonly status: "rejected"; readonly reason: ExampleFault; readonly detail: string };

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

/** The text of an answer: trimmed, and prefixed with `Answer: ` unless it says `Answer:` somewhere. */
export function answerText(answer: string): string {
  return (answer.includes("Answer:") ? answer : `Answer: ${answer}`).trim();
}

const rejected = (reason: ExampleFault, detail: string): ExampleOutcome => ({ status: "rejected", reason, detail });

/**
 * A selected trace as a training example, checked by every gate.
 *
 * @param parts `thinking` and `answer` are trimmed, the question is taken as it is. Thinking of null makes an example of
 *   the answer alone, as a direct answer is decoded.
 * @param maxLength Most ids of an example; a longer one is rejected, never cut.
 */
export function encodeExample(
  tokenizer: Tokenizer,
  parts: { readonly question: string; readonly thinking: string | null; readonly answer: string },
  maxLength: number,
): ExampleOutcome {
  const { question } = parts;
  const thinking = parts.thinking?.trim() ?? null;
  if (question.trim() === "") return rejected("empty-question", "the question has no text");
  if (thinking === "") return rejected("empty-thinking", "the thinking has no text");
  if (parts.answer.replace(/(Final )?Answer:/, "").trim() === "")
    return rejected("empty-answer", "the answer has no text");
  for (const [name, text] of Object.entries({ ...parts, thinking })) {
    if (tokenizer.hasControlSpelling(text ?? "")) return rejected("control-text", `the ${name} spells a control token`);
  }
  const sequence = encodeTurns(tokenizer, { user: question, thinking, answer: answerText(parts.answer) });
  const fault = findFault(tokenizer, sequence, { maxLength, hasThinking: thinking !== null });
  if (fault !== null) return rejected(fault.reason, fault.detail);
  return { status: "ok", example: { ...sequence, thinkingTokens: countThinking(tokenizer, sequence.inputIds) } };
}

/** A pre-training document as a sequence. Nothing is trimmed: a document may end its thinking anywhere. */
export function encodeDocument(tokenizer: Tokenizer, document: DirectDocument): EncodedSequence {
  const { user, thinking, answer, isFinal } = document;
  return encodeTurns(tokenizer, {
    user,
    thinking,
    answer: answer === null ? null : `${isFinal ? "Final " : ""}Answer: ${answer}`,
  });
}

function encodeTurns(
  tokenizer: Tokenizer,
  {
    user,
    thinking,
    answer,
  }: { readonly user: string; readonly thinking: string | null; readonly answer: string | null },
): EncodedSequence {
  const { imStart, imEnd } = tokenizer.controlIds;
  const text = (plain: string): number[] => tokenizer.encodeUser(plain);
  const prompt = [imStart, ...text(`user\n${user}`), imEnd, ...text("\n"), ...assistantHeader(tokenizer)];
  const thought = thinking === null ? [] : [imStart, ...text(`think\n${thinking}\n`)];
  const reply = answer === null ? [] : [imStart, ...text(`answer\n${answer}`)];
  const trained = [...thought, ...reply, imEnd, ...text("\n")];
  return { inputIds: [...prompt, ...trained], labels: [...prompt.map(() => IGNORED), ...trained] };
}

function assistantHeader(tokenizer: Tokenizer): number[] {
  return [tokenizer.controlIds.imStart, ...tokenizer.encodeUser("assistant\n")];
}

/**
 * The first gate that a sequence fails, or null: not too long; assistant header, thinking (if it is to have any), answer
 * and end each in their place; the mask ignores everything up to and including the header and nothing after it.
 */
export function findFault(
  tokenizer: Tokenizer,
  { inputIds, labels }: EncodedSequence,
  { maxLength, hasThinking = true }: { readonly maxLength: number; readonly hasThinking?: boolean },
): { readonly reason: ExampleFault; readonly detail: string } | null {
  const fault = (reason: ExampleFault, detail: string) => ({ reason, detail });
  if (inputIds.length > maxLength) return fault("too-long", `${inputIds.length} ids exceed maxLength ${maxLength}`);
  const header = assistantHeader(tokenizer);
  const headerAt = indexOfIds(inputIds, header, 0);
  if (headerAt === -1) return fault("header-missing", "no assistant header");
  const bodyAt = headerAt + header.length;
  const { think, answer } = partDelimiters(tokenizer);
  if (hasThinking && indexOfIds(inputIds, think, bodyAt) !== bodyAt)
    return fault("thinking-missing", "thinking does not follow the assistant header");
  const answerAt = indexOfIds(inputIds, answer, hasThinking ? bodyAt + think.length : bodyAt);
  if (answerAt === -1 || (!hasThinking && answerAt !== bodyAt))
    return fault("answer-missing", `no answer delimiter after the ${hasThinking ? "thinking" : "assistant header"}`);
  const end = [tokenizer.controlIds.imEnd, ...tokenizer.encodeUser("\n")];
  const endAt = indexOfIds(inputIds, end, answerAt);
  if (endAt === -1 || endAt + end.length !== inputIds.length)
    return fault("end-missing", "the sequence does not end with the end of the assistant's turn");
  if (labels.every((label) => label === IGNORED)) return fault("mask-empty", "no position is trained");
  const wrong = inputIds.findIndex((id, at) => labels[at] !== (at < bodyAt ? IGNORED : id));
  if (wrong !== -1 || labels.length !== inputIds.length)
    return fault("mask-wrong", `the mask is wrong at position ${wrong === -1 ? inputIds.length : wrong}`);
  return null;
}

function partDelimiters(tokenizer: Tokenizer): { think: number[]; answer: number[] } {
  const { imStart } = tokenizer.controlIds;
  return { think: [imStart, ...tokenizer.encodeUser("think")], answer: [imStart, ...tokenizer.encodeUser("answer")] };
}

/** Ids between the thinking delimiter and the answer delimiter; 0 when either is missing. */
function countThinking(tokenizer: Tokenizer, ids: readonly number[]): number {
  const { think, answer } = partDelimiters(tokenizer);
  const thinkAt = indexOfIds(ids, think, 0);
  const answerAt = thinkAt === -1 ? -1 : indexOfIds(ids, answer, thinkAt);
  return answerAt === -1 ? 0 : answerAt - thinkAt - think.length;
}

/** Where `wanted` first stands in `ids` at or after `from`; -1 if nowhere. */
function indexOfIds(ids: readonly number[], wanted: readonly number[], from: number): number {
  for (let at = from; at + wanted.length <= ids.length; at++) {
    if (wanted.every((id, offset) => ids[at + offset] === id)) return at;
  }
  return -1;
}
