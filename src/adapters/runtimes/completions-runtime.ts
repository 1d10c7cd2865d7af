/**
 * @file A remote `/v1/completions` server as a source of segments: vLLM, SGLang and others with token ids in and out, and with
 * text where there is nothing better. The thinking-budget machine stays here, in front of it (src/decode/segments.ts).
 */
import type { SegmentReply, SegmentRequest, StreamedSource } from "../../decode/segments.ts";
import { IdPieces, type ReplyPieces, TextPieces } from "./completion-pieces.ts";
import { completionBody, idsReply, type ServerAbilities, type TextCodec, textReply } from "./completions-dialect.ts";
import { type CompletionsAddress, CompletionsExchange } from "./completions-exchange.ts";
import { describeLacks, probeCompletions } from "./probe-completions.ts";

/** Which server, and what it serves. */
export interface CompletionsOptions extends CompletionsAddress {
  /** The model's name as the server knows it. */
  readonly model: string;
  /** Most ids in one sequence at the server. */
  readonly contextTokens: number;
  /** How many ids the tokenizer has. */
  readonly choosableIds: number;
  /** Any few ids that the model can go on from, for finding out what the server can do. */
  readonly probeIds: readonly number[];
  /** The tokenizer, for servers of text; without it such a server is refused. */
  readonly codec?: TextCodec;
  /** Most tokens of one request; 4,096 unless told. */
  readonly maxSegmentTokens?: number;
  readonly signal?: AbortSignal;
}

/** An open server. */
export interface CompletionsRuntime extends StreamedSource {
  readonly abilities: ServerAbilities;
  /** What the server cannot do, in sentences; for people, before anything is decoded. */
  readonly lacks: readonly string[];
  /** Segments in which text encoded whole differed from its parts: there the model saw other ids than are recorded. */
  brokenSeams(): number;
  close(): Promise<void>;
}

const MAX_SEGMENT_TOKENS = 4096;

/**
 * Connects to a server and finds out what it can do.
 * @throws {AppError} usage (no address), provider-permanent (refused, or of no use), provider (no answer), interrupted
 */
export async function openCompletionsRuntime(options: CompletionsOptions): Promise<CompletionsRuntime> {
  const exchange = new CompletionsExchange(options);
  try {
    const abilities = await probeCompletions(exchange, options);
    return runtimeOf(exchange, abilities, options);
  } catch (error) {
    await exchange.close();
    throw error;
  }
}

function runtimeOf(
  exchange: CompletionsExchange,
  abilities: ServerAbilities,
  { model, codec, contextTokens, choosableIds, maxSegmentTokens = MAX_SEGMENT_TOKENS }: CompletionsOptions,
): CompletionsRuntime {
  let brokenSeams = 0;
  const write = async (request: SegmentRequest, signal: AbortSignal | undefined): Promise<SegmentReply> => {
    const reply = await exchange.post(completionBody(request, { model, abilities, codec }), signal);
    if (abilities.dialect === "ids" || codec === undefined) return idsReply(reply);
    const read = textReply(reply, request, codec);
    if (!read.isSeamWhole) brokenSeams++;
    return read.reply;
  };
  const stream: CompletionsRuntime["stream"] = async (request, take, signal) => {
    const body = { ...completionBody(request, { model, abilities, codec }), stream: true };
    const isIds = abilities.dialect === "ids" || codec === undefined;
    const pieces: ReplyPieces = isIds ? new IdPieces(take) : new TextPieces(request, codec, take);
    const end = pieces.finish(await exchange.stream(body, (chunk) => pieces.push(chunk), signal));
    if (!pieces.isSeamWhole) brokenSeams++;
    return end;
  };
  return {
    contextTokens,
    choosableIds,
    maxSegmentTokens,
    canHoldBackStops: abilities.holdsBackStops,
    abilities,
    lacks: describeLacks(abilities),
    brokenSeams: () => brokenSeams,
    write,
    stream,
    close: () => exchange.close(),
  };
}
