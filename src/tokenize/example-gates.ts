/**
 * @file The gates between a sequence and training. Each looks at the ids and labels as they are, not at how they were
 * made, so that what lies in a file can be put through them again. All that a sequence fails is told, not the first alone.
 */
import type { ExpectedExample, StudentFormat } from "./student-format.ts";
import { countIds, type EncodedSequence, IGNORED, indexOfIds } from "./training-sequence.ts";

/** Every reason for which an example cannot be trained on; closed and countable. */
export const EXAMPLE_GATES = {
  "empty-question": "the question has no text",
  "empty-thinking": "the thinking has no text",
  "empty-answer": "the answer has no text",
  "control-text": "a text spells a control token or a delimiter",
  "too-long": "longer than tokenize.maxLength; nothing is ever cut to fit",
  cut: "the sequence stops before its text does",
  "header-missing": "the assistant's turn is never opened",
  "thinking-missing": "no thinking behind the assistant's header",
  "answer-missing": "no answer delimiter where it belongs",
  "delimiter-doubled": "a delimiter stands twice",
  "end-missing": "the sequence does not end with the end of the assistant's turn, and only there",
  "mask-empty": "no position is trained",
  "prompt-in-loss": "a position of the prompt is trained",
  "mask-wrong": "a position of the reply is not trained, or trained as another id",
  "prompt-differs": "the prompt is not what the decoder, or a server, sends",
  "text-differs": "the ids do not decode back to the text",
} as const;
export type GateName = keyof typeof EXAMPLE_GATES;

/** One gate that a sequence fails. */
export interface ExampleFault {
  readonly reason: GateName;
  readonly detail: string;
}

/** What a sequence is held against. */
export interface GateOptions {
  readonly maxLength: number;
  readonly expected: ExpectedExample;
}

/** Every gate that a sequence fails, in the order of {@link EXAMPLE_GATES}; none for a good one. */
export function findFaults(format: StudentFormat, sequence: EncodedSequence, options: GateOptions): ExampleFault[] {
  const { maxLength, expected } = options;
  const { inputIds } = sequence;
  const header = format.frame.header;
  const headerAt = indexOfIds(inputIds, header);
  const bodyAt = headerAt === -1 ? null : headerAt + header.length;
  const isTooLong = inputIds.length > maxLength;
  const faults: readonly (ExampleFault | undefined)[] = [
    isTooLong ? fault("too-long", `${inputIds.length} ids exceed maxLength ${maxLength}`) : undefined,
    ...(bodyAt === null
      ? [fault("header-missing", "no assistant header")]
      : delimiterFaults(format, inputIds, { bodyAt, headerAt, hasThinking: expected.hasThinking })),
    ...maskFaults(sequence, bodyAt ?? 0),
    promptFault(inputIds, expected),
    ...textFaults(format, inputIds, expected),
  ];
  const order = Object.keys(EXAMPLE_GATES);
  return faults.filter((each) => each !== undefined).sort((a, b) => order.indexOf(a.reason) - order.indexOf(b.reason));
}

const fault = (reason: GateName, detail: string): ExampleFault => ({ reason, detail });

/** Each delimiter once and in its place, the end at the end. */
function* delimiterFaults(
  { form, frame, tokenizer }: StudentFormat,
  ids: readonly number[],
  {
    bodyAt,
    headerAt,
    hasThinking,
  }: { readonly bodyAt: number; readonly headerAt: number; readonly hasThinking: boolean },
): Generator<ExampleFault> {
  const open = hasThinking ? form.thinkOpen : form.directOpen;
  const isOpen = indexOfIds(ids.slice(bodyAt, bodyAt + open.length), open) === 0;
  const answerAt = indexOfIds(ids, form.answerOpen, isOpen && hasThinking ? bodyAt + open.length : bodyAt);
  if (hasThinking && !isOpen) yield fault("thinking-missing", "thinking does not follow the assistant header");
  if (answerAt === -1) yield fault("answer-missing", `no answer delimiter after position ${bodyAt}`);
  else if (!hasThinking && !isOpen) yield fault("answer-missing", "no answer delimiter after the assistant header");
  // From the header on: a template may itself have opened the thinking there.
  const opened = countIds(ids, form.thinkOpen, headerAt);
  const answered = countIds(ids, form.answerOpen, headerAt);
  if (opened > 1) yield fault("delimiter-doubled", `the thinking is opened ${opened} times`);
  if (answered > 1) yield fault("delimiter-doubled", `the answer is opened ${answered} times`);
  const { imEnd } = tokenizer.controlIds;
  const endsAt = ids.length - frame.end.length;
  if (indexOfIds(ids, frame.end, Math.max(bodyAt, endsAt)) === -1)
    yield fault("end-missing", "the sequence does not end with the end of the assistant's turn");
  else if (countIds(ids, [imEnd], bodyAt) > countIds(frame.end, [imEnd]))
    yield fault("end-missing", "the assistant's turn ends before the sequence does");
}

/** Nothing of the prompt is trained, and everything behind the assistant's header is. */
function* maskFaults({ inputIds, labels }: EncodedSequence, bodyAt: number): Generator<ExampleFault> {
  if (labels.every((label) => label === IGNORED)) {
    yield fault("mask-empty", "no position is trained");
    return;
  }
  const inPrompt = labels.findIndex((label, at) => at < bodyAt && label !== IGNORED);
  if (inPrompt !== -1) yield fault("prompt-in-loss", `position ${inPrompt} of the prompt is trained`);
  const wrong = inputIds.findIndex((id, at) => at >= bodyAt && labels[at] !== id);
  if (wrong !== -1) yield fault("mask-wrong", `position ${wrong} of the reply is not trained as it is`);
  else if (labels.length !== inputIds.length)
    yield fault("mask-wrong", `${labels.length} labels for ${inputIds.length} ids`);
}

function promptFault(ids: readonly number[], { sentIds, servedIds }: ExpectedExample): ExampleFault | undefined {
  const sent = firstDifference(ids, sentIds);
  if (sent !== -1) return fault("prompt-differs", `the decoder sends another id at position ${sent}`);
  const served = firstDifference(ids, servedIds);
  return served === -1 ? undefined : fault("prompt-differs", `a server sends another id at position ${served}`);
}

/** The first place at which `ids` does not begin with `wanted`; -1 where it does. */
function firstDifference(ids: readonly number[], wanted: readonly number[]): number {
  return wanted.findIndex((id, at) => ids[at] !== id);
}

function* textFaults(
  { tokenizer }: StudentFormat,
  ids: readonly number[],
  { text }: ExpectedExample,
): Generator<ExampleFault> {
  const decoded = tokenizer.decode(ids);
  if (decoded === text) return;
  const known = trimmedTail(decoded);
  if (known.length < text.length && text.startsWith(known))
    yield fault("cut", `${text.length - known.length} of ${text.length} characters are missing at its end`);
  let at = 0;
  while (decoded[at] === text[at]) at += 1;
  yield fault("text-differs", `the text differs at character ${at}`);
}

/** A cut inside a character leaves bytes that decode to U+FFFD. */
function trimmedTail(decoded: string): string {
  return decoded.replace(/\ufffd+$/u, "");
}
