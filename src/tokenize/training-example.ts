/**
 * @file A selected trace as a training sequence: the prompt by the student's own chat template, the reply in its thinking
 * style, the end of the turn by the template again. Control tokens are placed by id; what people and models wrote is
 * encoded as text that can spell none of them. Nothing is ever cut.
 *
 * @source s1.md 4.2 (format) and 4.3 (mask).
 */
import { type ExampleFault, findFaults } from "./example-gates.ts";
import { type ExampleTexts, expectExample, replyOf, type StudentFormat } from "./student-format.ts";
import type { ReplyForm } from "./thinking-style.ts";
import { type EncodedSequence, indexOfIds, trainedAfter } from "./training-sequence.ts";

/** What the tokenize stage writes of one selected trace. */
export interface EncodedExample extends EncodedSequence {
  /** Ids between the thinking and answer delimiters, as the decoder counts them. */
  readonly thinkingTokens: number;
}

/** An example, or the gates that it failed, at least one. */
export type ExampleOutcome =
  | { readonly status: "ok"; readonly example: EncodedExample }
  | { readonly status: "rejected"; readonly faults: readonly [ExampleFault, ...ExampleFault[]] };

/**
 * A selected trace as a training example, checked by every gate.
 *
 * @param texts `thinking` and `answer` are trimmed, the question is taken as it is.
 * @param maxLength Most ids of an example; a longer one is rejected, never cut.
 */
export function encodeExample(format: StudentFormat, texts: ExampleTexts, maxLength: number): ExampleOutcome {
  const faults = findTextFaults(format, texts);
  if (isSome(faults)) return { status: "rejected", faults };
  const { template, form, frame } = format;
  const prompt = template.encodePrompt([{ role: "user", content: texts.question }]);
  const sequence = trainedAfter(prompt, [...form.encode(replyOf(texts)), ...frame.end]);
  const failed = findFaults(format, sequence, { maxLength, expected: expectExample(format, texts) });
  if (isSome(failed)) return { status: "rejected", faults: failed };
  return { status: "ok", example: { ...sequence, thinkingTokens: countThinking(form, sequence.inputIds) } };
}

/** Every gate that a finished sequence fails, held against its texts; none for a good one. */
export function checkExample(
  format: StudentFormat,
  { texts, sequence }: { readonly texts: ExampleTexts; readonly sequence: EncodedSequence },
  maxLength: number,
): ExampleFault[] {
  const expected = expectExample(format, texts);
  return [...findTextFaults(format, texts), ...findFaults(format, sequence, { maxLength, expected })];
}

/** What is wrong with the texts themselves. */
function findTextFaults({ tokenizer, form }: StudentFormat, texts: ExampleTexts): ExampleFault[] {
  const { question, thinking, answer } = texts;
  const faults: ExampleFault[] = [];
  const add = (reason: ExampleFault["reason"], detail: string): void => void faults.push({ reason, detail });
  if (question.trim() === "") add("empty-question", "the question has no text");
  if (thinking?.trim() === "") add("empty-thinking", "the thinking has no text");
  if (answer.replace(/(Final )?Answer:/, "").trim() === "") add("empty-answer", "the answer has no text");
  for (const [name, text] of Object.entries({ question, thinking, answer })) {
    if (text === null) continue;
    if (tokenizer.hasControlSpelling(text)) add("control-text", `the ${name} spells a control token`);
    else if (form.spelledIn(text) !== undefined) add("control-text", `the ${name} spells ${form.spelledIn(text)}`);
  }
  return faults;
}

/** Ids between the thinking delimiter and the answer delimiter; 0 when either is missing. */
function countThinking({ thinkOpen, answerOpen, directOpen }: ReplyForm, ids: readonly number[]): number {
  if (indexOfIds(ids, directOpen) !== -1 && directOpen.length > answerOpen.length) return 0;
  const thinkAt = indexOfIds(ids, thinkOpen);
  const answerAt = thinkAt === -1 ? -1 : indexOfIds(ids, answerOpen, thinkAt);
  return answerAt === -1 ? 0 : answerAt - thinkAt - thinkOpen.length;
}

function isSome(faults: readonly ExampleFault[]): faults is readonly [ExampleFault, ...ExampleFault[]] {
  return faults.length > 0;
}
