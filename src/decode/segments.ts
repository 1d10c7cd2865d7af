/**
 * @file The thinking-budget machine in front of a server that writes many tokens at a time. A row asks for a segment: the
 * ids so far, and at most as many tokens as the machine's stage has room for, ending at a stop id. What comes back is given to
 * the machine token by token; where the machine goes another way than the server did (a swallowed end, a cut, a known
 * choice), the rest is thrown away and asked for anew. So a row's result is that of `generate`, token by token, for a model
 * whose choice depends on the sequence and on what is forbidden alone.
 */
import { AppError } from "../core/errors.ts";
import { type Generation, openRow, type RowCall, type RowRequest } from "./row.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import type { ThinkingState } from "./thinking-budget.ts";
import type { Sampling } from "./token-source.ts";

/** What a server is asked to write. */
export interface SegmentRequest {
  /** Everything so far, prompt and what followed. */
  readonly ids: readonly number[];
  readonly maxTokens: number;
  /** Ids that end the segment; the last of `SegmentReply.ids` may be one. */
  readonly stopIds: readonly number[];
  /** The first token may be none of `stopIds`. Asked of sources with `canHoldBackStops` alone. */
  readonly mayNotStopFirst: boolean;
  /** Ids that must not be chosen at any place of the segment; few. */
  readonly forbidden: readonly number[];
  readonly sampling: Sampling;
}

/** What a server wrote. */
export interface SegmentReply {
  /** With the stop id where the server tells it. */
  readonly ids: readonly number[];
  /** `stop`: at a stop id, told or not. `length`: at `maxTokens`, or earlier for reasons of the server's own. */
  readonly end: "stop" | "length";
}

/** A server as segments see it. */
export interface SegmentSource {
  /** Most ids in one sequence. */
  readonly contextTokens: number;
  /** How many ids the tokenizer has: rows of the vocabulary past it are padding, and never taken from a reply. */
  readonly choosableIds: number;
  /** Whether a request can forbid stop ids at its first token and allow them after it. */
  readonly canHoldBackStops: boolean;
  /** Most tokens of one request. A long segment that breaks off is lost whole; what came in shorter ones is not. */
  readonly maxSegmentTokens: number;
  /** @throws {AppError} provider, provider-permanent, interrupted */
  write(request: SegmentRequest, signal: AbortSignal | undefined): Promise<SegmentReply>;
}

/** A server whose ids can be taken as they come. */
export interface StreamedSource extends SegmentSource {
  /**
   * As `write`, giving ids to `take` as they come. Where that says false the server is left at once: what it would still write is
   * of no use. A stream that breaks off after ids came has ended early, and is no error.
   * @returns how the segment ended; of no meaning where the server was left
   */
  stream(
    request: SegmentRequest,
    take: (ids: readonly number[]) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<SegmentReply["end"]>;
}

/** What a row needs to know of its source. */
export interface SegmentPlace
  extends Pick<SegmentSource, "contextTokens" | "choosableIds" | "canHoldBackStops" | "maxSegmentTokens"> {
  readonly delimiters: ThinkingDelimiters;
  /** Choices of settings that were decoded before, by their place in the request: they are not asked for again. */
  readonly known?: ReadonlyMap<number, readonly number[]>;
}

/**
 * A prompt being decoded: ask `next` for a request until it gives none, answering each with `accept`, or with any number of
 * `take` and then `finish`.
 */
export interface SegmentedRow {
  next(): SegmentRequest | undefined;
  /** @throws {AppError} provider: the server wrote nothing at all, or nothing but ids that the tokenizer lacks. */
  accept(reply: SegmentReply): void;
  /**
   * Takes ids of the reply as they come; false once the machine goes another way than the server, from where on ids are ignored.
   * @throws {AppError} provider-permanent: nothing but ids that the tokenizer lacks
   */
  take(ids: readonly number[]): boolean;
  /**
   * The reply is over.
   * @throws {AppError} provider: it held nothing at all
   */
  finish(end: SegmentReply["end"]): void;
  readonly generations: readonly Generation[];
  /** See `Row` (row.ts). */
  readonly choices: readonly (readonly number[])[];
}

/** How often a place is tried again that the server fills with ids that do not exist. */
const MAX_BARRED = 8;

/**
 * Opens a prompt under its settings.
 * @throws {AppError} limit-exceeded: the context cannot hold the prompt and an answer
 */
export function openSegmentedRow(request: RowRequest, place: SegmentPlace): SegmentedRow {
  const row = openRow(request, { ...place, slot: 0 });
  const { known } = place;
  /** The row's next call, after all that it is known to have chosen before. */
  const ask = (): RowCall | undefined => {
    for (let call = row.next(); call !== undefined; call = row.next()) {
      const token = known?.get(row.generations.length)?.[call.chosen];
      if (token === undefined) return call;
      row.accept(token);
    }
    return undefined;
  };
  let barred: number[] = [];
  let wanted: RowCall | undefined;
  /** Of the reply to `wanted`: how many tokens were asked for and taken, and whether the machine still goes the server's way. */
  let asked = 0;
  let taken = 0;
  let isFollowed = true;
  const begin = (): void => {
    taken = 0;
    isFollowed = true;
  };
  const next: SegmentedRow["next"] = () => {
    wanted ??= ask();
    const segment = wanted && segmentOf(wanted, { place, sampling: request.sampling, barred });
    asked = segment === undefined ? 0 : segment.maxTokens;
    begin();
    return segment;
  };
  /** Whether the token is one more of the server's own, after which it may go on. */
  const follow = (token: number): boolean => {
    if (wanted === undefined || taken >= asked) return false;
    taken++;
    if (!isChoosable(token, place)) {
      if (barred.push(token) > MAX_BARRED) throw noSuchIds(barred, place);
      return false;
    }
    barred = [];
    const { sequence, state } = wanted;
    const { length } = sequence;
    row.accept(token);
    wanted = ask();
    // Anything but this one token more, at the same stage, is not what the server went on from.
    const isOneMore = wanted?.sequence === sequence && sequence.length === length + 1 && sequence[length] === token;
    return isOneMore && wanted?.state.stage === state.stage && taken < asked;
  };
  const take: SegmentedRow["take"] = (ids) => {
    for (const token of ids) if (isFollowed) isFollowed = follow(token);
    return isFollowed;
  };
  const finish: SegmentedRow["finish"] = (end) => {
    // A stop that was told has led another way: where the machine still follows, the server kept it to itself.
    if (wanted !== undefined && isFollowed && end === "stop") take([untoldStop(wanted.state)]);
    else if (wanted !== undefined && taken === 0) throw wroteNothing();
  };
  const accept: SegmentedRow["accept"] = ({ ids, end }) => {
    begin();
    take(ids);
    finish(end);
  };
  return { next, accept, take, finish, generations: row.generations, choices: row.choices };
}

/** The stop that a server ended at without telling. */
function untoldStop({ plan, stage }: ThinkingState): number {
  const { thinkingEnd, imEnd } = plan.delimiters.stopIds;
  return stage === "thinking" ? thinkingEnd : imEnd;
}

function wroteNothing(): AppError {
  return new AppError("provider", "the server wrote nothing and named no end", {
    hint: "check the server's log; its context may be shorter than was told",
    isRetryable: true,
  });
}

/** The largest segment that the machine can take at once. */
function segmentOf(
  { sequence, state, call }: RowCall,
  { place, sampling, barred }: { place: SegmentPlace; sampling: Sampling; barred: readonly number[] },
): SegmentRequest {
  const { stopIds: stops } = place.delimiters;
  const stopIds = [stops.thinkingEnd, stops.imEnd, stops.endOfText];
  const isFirstHeld = state.stage === "thinking" && !state.mayEnd;
  const heldOff = call.forbidden.filter((id) => !stopIds.includes(id));
  const mayNotStopFirst = isFirstHeld && place.canHoldBackStops && heldOff.length === 0;
  // What holds for one place alone, and cannot be said so, is asked for alone.
  const isAlone = barred.length > 0 || (isFirstHeld && !mayNotStopFirst);
  return {
    ids: sequence,
    maxTokens: isAlone ? 1 : Math.min(roomOf(state), place.maxSegmentTokens),
    stopIds,
    mayNotStopFirst,
    forbidden: [...(mayNotStopFirst ? [] : call.forbidden), ...barred],
    sampling,
  };
}

/** Tokens until the machine cuts. */
function roomOf({ stage, plan, keptTokens, answerTokens }: ThinkingState): number {
  return stage === "thinking" ? plan.setting.budgetTokens - keptTokens : plan.answerTokens - answerTokens;
}

function isChoosable(token: number, { choosableIds }: SegmentPlace): boolean {
  return Number.isSafeInteger(token) && token >= 0 && token < choosableIds;
}

function noSuchIds(ids: readonly number[], { choosableIds }: SegmentPlace): AppError {
  const message = `the server chose ids that the tokenizer of ${choosableIds} ids lacks, ${ids.length} times at one place`;
  return new AppError("provider-permanent", message, {
    hint: "the server's model is another than the tokenizer's, or it cannot forbid ids (logit_bias)",
    data: { ids: [...ids], choosableIds },
  });
}
