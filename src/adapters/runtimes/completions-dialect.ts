/** @file How segments are said to a `/v1/completions` server, by what it can do, and how its replies are read. Pure. */
import { prng } from "../../core/prng.ts";
import type { SegmentReply, SegmentRequest } from "../../decode/segments.ts";
import type { CompletionReply } from "./completions-exchange.ts";

/** What a server was seen to do. */
export interface ServerAbilities {
  /** `ids`: token ids in and out, as vLLM. `text`: text in and out, encoded again at every seam. */
  readonly dialect: "ids" | "text";
  /** Takes fields beyond OpenAI's own: penalties and cuts of its model's configuration can be turned off. */
  readonly takesExtras: boolean;
  /** Ends at `stop_token_ids`, or in text at `stop`. */
  readonly stops: boolean;
  /** `min_tokens` keeps stops away from the first token. */
  readonly holdsBackStops: boolean;
  /** `logit_bias` of -100 forbids an id, or `suppress_tokens` where a GenerationConfig is read. */
  readonly forbidsIds: boolean;
  /** Of text alone: takes a GenerationConfig as JSON in `generation_config`, as `transformers serve` does. */
  readonly readsGenerationConfig: boolean;
}

/** The part of a tokenizer that the text dialect needs. */
export interface TextCodec {
  decode(ids: ArrayLike<number>): string;
  /** Control tokens' spellings become ordinary tokens: what a server writes cannot act. */
  encodeUser(text: string): number[];
  encodeControl(text: string): number[];
}

/** Fields that turn off what a model's own generation_config.json would do to greedy choices: Qwen's asks for a penalty. */
const NEUTRAL = { top_p: 1, top_k: -1, min_p: 0, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 };
/** The same in what OpenAI's own servers know. */
const NEUTRAL_PLAIN = { top_p: 1 };

/** A segment as a request's body. */
export function completionBody(
  request: SegmentRequest,
  { model, abilities, codec }: { model: string; abilities: ServerAbilities; codec?: TextCodec | undefined },
): Readonly<Record<string, unknown>> {
  const { temperature } = request.sampling;
  return {
    model,
    max_tokens: request.maxTokens,
    temperature,
    stream: false,
    ...(temperature > 0 ? { seed: seedOf(request) } : {}),
    ...(abilities.takesExtras ? { ...NEUTRAL, skip_special_tokens: false } : NEUTRAL_PLAIN),
    ...(abilities.forbidsIds && !abilities.readsGenerationConfig && request.forbidden.length > 0
      ? { logit_bias: forbid(request.forbidden) }
      : {}),
    ...(abilities.dialect === "ids"
      ? idsFields(request, abilities)
      : textFields(request, { abilities, codec: needed(codec) })),
  };
}

function idsFields({ ids, stopIds, mayNotStopFirst }: SegmentRequest, abilities: ServerAbilities): object {
  return {
    prompt: ids,
    return_token_ids: true,
    ...(abilities.stops ? { stop_token_ids: stopIds, ignore_eos: true } : {}), // the only ends are ours
    ...(abilities.holdsBackStops && mayNotStopFirst ? { min_tokens: 1 } : {}),
  };
}

function textFields(
  request: SegmentRequest,
  { abilities, codec }: { abilities: ServerAbilities; codec: TextCodec },
): object {
  const { ids, stopIds } = request;
  if (abilities.readsGenerationConfig)
    return { prompt: codec.decode(ids), generation_config: JSON.stringify(generationConfig(request)) };
  const stop = abilities.stops ? { stop: stopIds.map((id) => codec.decode([id])) } : {};
  return { prompt: codec.decode(ids), ...stop, ...(abilities.takesExtras ? { add_special_tokens: false } : {}) };
}

/** What `transformers` needs to know beside the limit and the temperature; what is not named here is its model's own. */
function generationConfig({ sampling, stopIds, mayNotStopFirst, forbidden }: SegmentRequest): object {
  return {
    do_sample: sampling.temperature > 0,
    top_k: 0,
    repetition_penalty: 1,
    eos_token_id: stopIds,
    ...(mayNotStopFirst ? { min_new_tokens: 1 } : {}),
    ...(forbidden.length > 0 ? { suppress_tokens: forbidden } : {}),
  };
}

/** A whole number below 2^31 that names the row and the place: a segment asked again is drawn the same. */
function seedOf({ sampling, ids }: SegmentRequest): number {
  return prng(`${sampling.key}/${ids.length}`).int(0, 2 ** 31 - 1);
}

function forbid(ids: readonly number[]): Readonly<Record<string, number>> {
  return Object.fromEntries(ids.map((id) => [String(id), -100]));
}

/** A reply in ids. Whatever it holds past the first stop is dropped by whoever takes it. */
export function idsReply(reply: CompletionReply): SegmentReply {
  return { ids: reply.tokenIds ?? [], end: reply.finishReason === "stop" ? "stop" : "length" };
}

/** A reply in text, and whether the seam holds: text encoded whole gives what the parts give. */
export interface TextReply {
  readonly reply: SegmentReply;
  readonly isSeamWhole: boolean;
}

/**
 * A reply in text as ids of ours. Cut at the first spelling of a stop, should the server have written it; characters cut in half
 * at the end are left for the next segment. A reply of nothing is an end: what was chosen was a token that the server hides.
 */
export function textReply(reply: CompletionReply, request: SegmentRequest, codec: TextCodec): TextReply {
  const spellings = request.stopIds.map((id) => codec.decode([id]));
  const places = spellings.map((spelling) => reply.text.indexOf(spelling)).filter((place) => place >= 0);
  const written = places.length === 0 ? reply.text : reply.text.slice(0, Math.min(...places));
  const isStopped = places.length > 0 || reply.finishReason === "stop";
  const whole = isStopped ? written : withoutHalfCharacter(written);
  const before = codec.decode(request.ids);
  return {
    reply: { ids: codec.encodeUser(whole), end: isStopped || whole === "" ? "stop" : "length" },
    isSeamWhole: beginsWith(codec.encodeControl(before + whole), request.ids),
  };
}

function withoutHalfCharacter(text: string): string {
  const whole = text.replace(/\uFFFD+$/, "");
  return whole === "" ? text : whole;
}

function beginsWith(ids: readonly number[], start: readonly number[]): boolean {
  return start.every((id, place) => ids[place] === id);
}

function needed(codec: TextCodec | undefined): TextCodec {
  if (codec === undefined) throw new Error("bug in grappa: a text server was asked without a tokenizer");
  return codec;
}
