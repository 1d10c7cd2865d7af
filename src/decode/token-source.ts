/**
 * @file The port through which decoding drives a model. A source holds a fixed number of slots; each slot is one
 * sequence of ids with the model's cache for it. The contract that makes results independent of batching: the token
 * chosen for a row depends only on the slot's ids, the row's forbidden ids and its sampling, never on batch-mates, on the
 * slot's number, or on how the ids were split over calls. Taking a sequence back to a prefix is enough to share work
 * between settings of one prompt (see known-choices.ts); between prompts that begin alike a source may copy (held-prefixes.ts).
 */

import type { TokenScore } from "./token-score.ts";

/** How a token is chosen from the model's distribution. */
export interface Sampling {
  /** 0 is greedy: the largest logit, ties to the lowest id. */
  readonly temperature: number;
  /** Names the row (question and sample); together with the position it seeds the draw. Ignored when greedy. */
  readonly key: string;
}

/** One slot's part of a call. */
export interface ExtendRow {
  readonly slot: number;
  /** Ids to append to the slot's sequence, at least one. */
  readonly ids: readonly number[];
  /** Ids that must not be chosen; few. */
  readonly forbidden: readonly number[];
  readonly sampling: Sampling;
  /** Where given, `extendScored` tells how likely the choice was, and so many of the likeliest ids. */
  readonly scoreTop?: number | undefined;
}

/** What was chosen for the rows of a call, in their order. */
export interface ScoredTokens {
  readonly tokens: Int32Array;
  /** undefined for rows that did not ask. */
  readonly scores: readonly (TokenScore | undefined)[];
}

/** A model with a cache of sequences, as decoding sees it. */
export interface TokenSource {
  /** Sequences that can be held at once, numbered from 0. */
  readonly slots: number;
  /** Most ids in one sequence. */
  readonly contextTokens: number;
  /**
   * Appends each row's ids to its slot and chooses the token that comes next, without appending it.
   * Slots in one call are distinct. The position that seeds a draw is the sequence's length after appending. Ids that
   * the tokenizer lacks (padding rows of the vocabulary) are never chosen.
   * @returns one id a row, in the rows' order
   * @throws {AppError} engine: a logit is not a number; limit-exceeded: a sequence outgrows the context
   */
  extend(rows: readonly ExtendRow[]): Promise<Int32Array>;
  /** As `extend`, the same choices, with the scores of rows that ask for them; absent where the model gives none. */
  extendScored?(rows: readonly ExtendRow[]): Promise<ScoredTokens>;
  /** Forgets all but the first `length` ids of a slot, length between 0 and the slot's; 0 empties it for a new row. */
  truncate(slot: number, length: number): void;
  /** Makes a slot hold the first `length` ids of another, whatever it held; absent where the model cannot. */
  copy?(from: number, to: number, length: number): void;
}
