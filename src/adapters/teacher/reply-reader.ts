/** @file What every API's reader of replies shares: its port, the last checks, and the estimate of an unreported usage. */
import type { FinishReason, Provenance, Usage } from "../../schema/records.ts";
import { excerptOf } from "./excerpt.ts";
import { parseJson } from "./json-fields.ts";
import { TeacherError, type TeacherFault, type TeacherReply } from "./teacher.ts";

/** Longest thinking and answer together, characters: a trace must fit a JSONL line even if every one is escaped. */
export const MAX_REPLY_CHARACTERS = 2_500_000;

/** What a reader must know beyond what it reads. */
export interface ReplyContext {
  /** UTF-8 bytes of the prompt, for an estimate where the provider reports no usage. */
  readonly promptBytes: number;
  /** What errors call the model; `the teacher` unless told. */
  readonly called?: string;
}

/** Reads one reply: from the events of a stream, or from a whole body. One reply each. */
export interface ReplyReader {
  /**
   * Takes the data of one event.
   * @throws {TeacherError} no reply will come of this stream.
   */
  event(data: string): void;
  /**
   * Takes events of a stream's text that differ from the last one in their piece of the reply alone; see `RunTaker`.
   * @throws {TeacherError} as {@link ReplyReader.event} does.
   */
  takeRun?(text: string, start: number): number;
  /** Whether text has come. */
  readonly hasText: boolean;
  /** Whether the end was said; a stream that ends before it was cut. */
  readonly isComplete: boolean;
  /** The reply of a stream that is complete. Throws as {@link ReplyReader.whole} does. */
  reply(): TeacherReply;
  /**
   * The reply in a whole body.
   * @throws {TeacherError} `malformed`: not what this API answers, empty, or too long, with the usage if it can be read;
   *   `withheld`: the provider keeps it back, with the usage; `row-refused`: it blocks the prompt; `broken`: it gave up in the middle.
   */
  whole(body: string): TeacherReply;
}

/** A reply's two parts. */
export interface Divided {
  readonly thinking: string;
  readonly answer: string;
}

/** A reply as an API's reader finds it. */
export interface FoundReply extends Divided {
  readonly provenance: Provenance;
  readonly finishReason: FinishReason;
  /** Undefined where the provider reports none. */
  readonly usage: Usage | undefined;
  /** What came, for an error's message. */
  readonly shown?: () => string;
}

/**
 * The reply, if it can be used. An empty one that ended at the output limit can: the model thought unseen, and asking
 * again would pay for the same.
 * @throws {TeacherError} `malformed`: empty or too long.
 */
export function checkedReply(found: FoundReply, context: ReplyContext): TeacherReply {
  const { thinking, answer, provenance, finishReason, shown } = found;
  const usage = found.usage ?? estimatedUsage(found, context);
  const length = thinking.length + answer.length;
  if (length === 0 && finishReason !== "length")
    throw malformed(context, `an empty reply${shown === undefined ? "" : `: ${excerptOf(shown())}`}`, found.usage);
  if (length > MAX_REPLY_CHARACTERS)
    throw malformed(context, `a reply of ${length} characters exceeds ${MAX_REPLY_CHARACTERS}`, found.usage);
  return { thinking, answer, provenance, finishReason, usage };
}

/**
 * Ends a stream that has brought more than any reply that is taken: what it used is not known yet.
 * @throws {TeacherError} `malformed`.
 */
export function refuseEndless(characters: number, context: ReplyContext): void {
  if (characters > MAX_REPLY_CHARACTERS)
    throw malformed(context, `a reply that exceeds ${MAX_REPLY_CHARACTERS} characters`);
}

/** The error of a reply that was billed and cannot be used. */
export function malformed({ called = "the teacher" }: ReplyContext, fault: string, usage?: Usage): TeacherError {
  return new TeacherError("malformed", `${called}'s reply is ${fault}`, usage === undefined ? {} : { usage });
}

/** The error of a reply that was made and that the provider withholds for good. Most bill it, counted or not. */
export function withheld({ called = "the teacher" }: ReplyContext, why: string, usage?: Usage): TeacherError {
  return keptBack("withheld", `${called} withholds its reply`, why, usage);
}

/** The error of a prompt that the provider blocks for good: no reply was made. Some count the prompt all the same. */
export function blocked({ called = "the teacher" }: ReplyContext, why: string, usage?: Usage): TeacherError {
  return keptBack("row-refused", `${called} blocks this prompt`, why, usage);
}

function keptBack(fault: TeacherFault, message: string, why: string, usage: Usage | undefined): TeacherError {
  return new TeacherError(fault, `${message} (${excerptOf(why)})`, {
    ...(usage === undefined ? {} : { usage }),
    data: { finish: excerptOf(why) },
  });
}

/** The error of a reply that the provider itself gave up in the middle. */
export function abandoned({ called = "the teacher" }: ReplyContext, why: string): TeacherError {
  return new TeacherError("broken", `${called} gave up in the middle of its reply (${excerptOf(why)})`);
}

/** A stream that ended in good order, but before its reply: it may be billed. */
export function endedEarly(called: string): TeacherError {
  return new TeacherError("broken", `${called}'s stream ended before its reply did`);
}

/** Bytes of text that we take one token to stand for when nobody counted: below the usual 4, so as not to bill too little. */
const BYTES_PER_ESTIMATED_TOKEN = 3;

/** A usage that nobody reported. */
export function estimatedUsage({ thinking, answer }: Divided, { promptBytes }: ReplyContext): Usage {
  const estimate = (bytes: number): number => Math.ceil(bytes / BYTES_PER_ESTIMATED_TOKEN);
  const thinkingTokens = estimate(Buffer.byteLength(thinking));
  return {
    promptTokens: estimate(promptBytes),
    completionTokens: thinkingTokens + estimate(Buffer.byteLength(answer)),
    reasoningTokens: thinkingTokens,
    isEstimated: true,
  };
}

const MAX_TOKENS = 1_000_000_000;

/** Tokens as a provider counts them; undefined for anything but a count. */
export function tokenCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS ? value : undefined;
}

/**
 * The JSON of one event, or of a whole body.
 * @throws {TeacherError} `malformed`.
 */
export function jsonOf(text: string, context: ReplyContext): unknown {
  const json = parseJson(text);
  if (json === undefined) throw malformed(context, `not JSON (${text.length} characters): ${excerptOf(text)}`);
  return json;
}
