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

/** What a row needs to know of its source. */
export interface SegmentPlace
  extends Pick<SegmentSource, "contextTokens" | "choosableIds" | "canHoldBackStops" | "maxSegmentTokens"> {
  readonly delimiters: ThinkingDelimiters;
  /** Choices of settings that were decoded before, by their place in the request: they are not asked for again. */
  readonly known?: ReadonlyMap<number, readonly number[]>;
}

/** A prompt being decoded: ask `next` for a request until it gives none, answering each with `accept`. */
export interface SegmentedRow {
  next(): SegmentRequest | undefined;
  /** @throws {AppError} provider: the server wrote nothing at all, or nothing but ids that the tokenizer lacks. */
  accept(reply: SegmentReply): void;
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
  let asked = 0;
  let wanted: RowCall | undefined;
  const next: SegmentedRow["next"] = () => {
    wanted ??= ask();
    const segment = wanted && segmentOf(wanted, { place, sampling: request.sampling, barred });
    asked = segment === undefined ? 0 : segment.maxTokens;
    return segment;
  };
  const accept: SegmentedRow["accept"] = (reply) => {
    const tokens = wanted === undefined ? [] : tokensOf(reply, wanted.state).slice(0, asked);
    for (const token of tokens) {
      if (wanted === undefined) return;
      if (!isChoosable(token, place)) {
        if (barred.push(token) > MAX_BARRED) throw noSuchIds(barred, place);
        return;
      }
      barred = [];
      const { sequence, state, length } = { ...wanted, length: wanted.sequence.length };
      row.accept(token);
      wanted = ask();
      // Anything but this one token more, at the same stage, is not what the server went on from.
      const isOneMore = wanted?.sequence === sequence && sequence.length === length + 1 && sequence[length] === token;
      if (!isOneMore || wanted?.state.stage !== state.stage) return;
    }
  };
  return { next, accept, generations: row.generations, choices: row.choices };
}

/** The tokens that a reply holds, its end too where the server did not tell it. */
function tokensOf({ ids, end }: SegmentReply, { plan, stage }: ThinkingState): readonly number[] {
  const { thinkingEnd, imEnd, endOfText } = plan.delimiters.stopIds;
  const last = ids.at(-1);
  const isTold = last === thinkingEnd || last === imEnd || last === endOfText;
  if (end === "stop" && !isTold) return [...ids, stage === "thinking" ? thinkingEnd : imEnd];
  if (ids.length > 0) return ids;
  throw new AppError("provider", "the server wrote nothing and named no end", {
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
