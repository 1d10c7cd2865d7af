/** @file The streamed reply of a `/v1/completions` server, event by event: vLLM and SGLang send the ids of each piece beside its text. */
import { z } from "zod";
import { excerptOf } from "../teacher/excerpt.ts";
import { fieldsOf, parseJson } from "../teacher/json-fields.ts";
import { SseReader } from "../teacher/sse.ts";

/** A piece of a reply. */
export interface CompletionChunk {
  readonly text: string;
  /** undefined where the server tells none. */
  readonly tokenIds: readonly number[] | undefined;
  /** Empty until the last. */
  readonly finishReason: string;
}

/** Takes pieces as they come; false: the rest is of no use. */
export type ChunkTaker = (chunk: CompletionChunk) => boolean;

/** How a stream ended: whole, left by whoever took it, or without an end of its own. */
export type StreamEnd = "whole" | "left" | "broken";

/** Thrown through the exchange, to end it: nobody wants the rest. */
export class StreamLeft extends Error {}
/** Thrown through the exchange: what comes is no stream of completions, or tells of a failure. */
export class StreamBroken extends Error {}

const Chunk = z.object({
  choices: z.array(
    z.object({
      index: z.int().nullish(),
      text: z.string().nullish(),
      token_ids: z.array(z.int().min(0)).nullish(),
      finish_reason: z.string().nullish(),
    }),
  ),
});

/** Reads one stream. */
export class ChunkReader {
  readonly #take: ChunkTaker;
  readonly #events: SseReader;
  #isWhole = false;
  #hasRead = false;

  constructor(take: ChunkTaker) {
    this.#take = take;
    this.#events = new SseReader(({ data }) => this.#read(data));
  }

  /** Whether anything of the reply was given out: then it must not be asked for again as if nothing had come. */
  get hasRead(): boolean {
    return this.#hasRead;
  }

  /** Whether the reply's own end was read. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** @throws StreamLeft, StreamBroken, and whatever the taker throws */
  push(piece: string): void {
    this.#guard(() => this.#events.push(piece));
  }

  /** The body is over. */
  end(): void {
    this.#guard(() => this.#events.end());
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof RangeError) throw new StreamBroken(error.message);
      throw error;
    }
  }

  #read(data: string): void {
    if (this.#isWhole || data === "[DONE]") return;
    const json = parseJson(data);
    const parsed = Chunk.safeParse(json);
    if (!parsed.success) throw new StreamBroken(`sent what is no piece of a completion: ${saidIn(json, data)}`);
    const choice = parsed.data.choices.find(({ index }) => (index ?? 0) === 0);
    if (choice === undefined) return; // usage alone
    const finishReason = choice.finish_reason ?? "";
    const chunk = { text: choice.text ?? "", tokenIds: choice.token_ids ?? undefined, finishReason };
    if (chunk.text !== "" || (chunk.tokenIds ?? []).length > 0 || finishReason !== "") this.#hasRead = true;
    const isWanted = this.#take(chunk);
    // What ends by itself needs no leaving: its connection can be used again.
    if (finishReason !== "") this.#isWhole = true;
    else if (!isWanted) throw new StreamLeft();
  }
}

/** What a server says of its failure, as short as an error message needs it. */
function saidIn(json: unknown, data: string): string {
  const { message } = fieldsOf(fieldsOf(json)["error"]);
  return excerptOf(typeof message === "string" ? message : data);
}
