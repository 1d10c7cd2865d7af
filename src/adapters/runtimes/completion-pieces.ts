/** @file Pieces of a streamed reply as ids of ours, given on as soon as they are certain. Pure. */
import type { SegmentReply, SegmentRequest } from "../../decode/segments.ts";
import type { CompletionChunk, StreamEnd } from "./completion-chunks.ts";
import { idsReply, textReply, type TextCodec } from "./completions-dialect.ts";

/** Who takes ids; false: the rest is of no use. */
export type IdTaker = (ids: readonly number[]) => boolean;

/** Takes the pieces of one reply. */
export interface ReplyPieces {
  push(chunk: CompletionChunk): boolean;
  /** Gives on what was held back; returns how the segment ended. */
  finish(end: StreamEnd): SegmentReply["end"];
  /** As `TextReply`; of what was read to its end alone. */
  readonly isSeamWhole: boolean;
}

/** Pieces that come with their ids. */
export class IdPieces implements ReplyPieces {
  readonly isSeamWhole = true;
  readonly #take: IdTaker;
  #finishReason = "";

  constructor(take: IdTaker) {
    this.#take = take;
  }

  push({ tokenIds, finishReason }: CompletionChunk): boolean {
    this.#finishReason = finishReason;
    return this.#take(tokenIds ?? []);
  }

  finish(): SegmentReply["end"] {
    return idsReply(replyOf("", this.#finishReason)).end;
  }
}

/**
 * Pieces of text. A word is given on once the next begins behind a single space: tokenizers begin a token there, so that the words'
 * ids, one after another, are those of the whole text. What is still held at the end is read as an unstreamed reply is.
 */
export class TextPieces implements ReplyPieces {
  readonly #request: SegmentRequest;
  readonly #codec: TextCodec;
  readonly #take: IdTaker;
  readonly #spellings: readonly string[];
  readonly #longest: number;
  readonly #given: number[] = [];
  #text = "";
  /** Characters whose ids were given on. */
  #givenTo = 0;
  #finishReason = "";
  #isStopped = false;
  #isSeamWhole = true;

  constructor(request: SegmentRequest, codec: TextCodec, take: IdTaker) {
    this.#request = { ...request, ids: [...request.ids] }; // the row's own grows as ids are taken
    this.#codec = codec;
    this.#take = take;
    this.#spellings = request.stopIds.map((id) => codec.decode([id]));
    this.#longest = Math.max(0, ...this.#spellings.map((spelling) => spelling.length));
  }

  get isSeamWhole(): boolean {
    return this.#isSeamWhole;
  }

  push({ text, finishReason }: CompletionChunk): boolean {
    const from = Math.max(this.#givenTo, this.#text.length - this.#longest);
    this.#text += text;
    this.#finishReason = finishReason;
    this.#isStopped = this.#spellings.some((spelling) => this.#text.includes(spelling, from));
    if (this.#isStopped) return false; // what a server writes past a stop is not read
    return finishReason !== "" || this.#giveWords();
  }

  finish(end: StreamEnd): SegmentReply["end"] {
    if (end === "left" && !this.#isStopped) return "length";
    const finishReason = end === "broken" ? "length" : this.#finishReason;
    const { reply, isSeamWhole } = textReply(replyOf(this.#text, finishReason), this.#request, this.#codec);
    const isAsGiven = this.#given.every((id, place) => reply.ids[place] === id);
    this.#isSeamWhole = isSeamWhole && isAsGiven;
    if (!isAsGiven) return "length"; // the rest is asked for again, after what was given on
    this.#take(reply.ids.slice(this.#given.length));
    return reply.end;
  }

  #giveWords(): boolean {
    const to = lastWordStart(this.#text, this.#givenTo);
    if (to <= this.#givenTo || this.#spellings.some((spelling) => spelling.includes(" "))) return true;
    const ids = this.#codec.encodeUser(this.#text.slice(this.#givenTo, to));
    for (const id of ids) this.#given.push(id);
    this.#givenTo = to;
    return this.#take(ids);
  }
}

/** The last single space between a visible character and a plain letter or digit, not before `from`; `from` if there is none. */
function lastWordStart(text: string, from: number): number {
  for (let place = text.length - 2; place > from; place--)
    if (text[place] === " " && /\S/.test(text[place - 1] as string) && /[A-Za-z0-9]/.test(text[place + 1] as string))
      return place;
  return from;
}

const replyOf = (text: string, finishReason: string) => ({
  text,
  finishReason,
  stopReason: undefined,
  tokenIds: undefined,
});
