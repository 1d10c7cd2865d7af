/**
 * @file A GGUF model in this process as a source of tokens: llama.cpp computes logits, the choice is ours. Each slot is one
 * sequence of a context; the rows of a call are decoded together.
 */
import { AppError, invariant } from "../../core/errors.ts";
import { chooseToken } from "../../decode/sampling.ts";
import { scoreToken, type TokenScore } from "../../decode/token-score.ts";
import type { ExtendRow, TokenSource } from "../../decode/token-source.ts";
import type { LlamaSequence, WantedLogits } from "./llama-module.ts";

/** Size of a source. */
export interface GgufSourceSize {
  /** Most ids in one sequence; the context has room for one more, so that it never shifts. */
  readonly contextTokens: number;
  /** Ids that the tokenizer has: later ones are padding and never chosen. */
  readonly choosableIds: number;
}

/** A draw is made among so many of the likeliest ids: all logits of a large vocabulary would cost more than the model. */
export const DRAWN_AMONG = 1024;

interface Slot {
  readonly sequence: LlamaSequence;
  readonly ids: number[];
  /** Leading ids that the sequence's cache has too. */
  held: number;
}

/** What is asked first: the likeliest id alone when greedy, for sorting a vocabulary at each token costs milliseconds. */
const GREEDY: WantedLogits = { generateNext: { logits: { filter: { tokens: [], includeSelected: true } } } };
const LIKELIEST: WantedLogits = { generateNext: { logits: { filter: { tokens: [], includeTop: DRAWN_AMONG } } } };
const ALL: WantedLogits = { generateNext: { logits: true } };

/** A source over sequences of one context, one a slot. */
export function ggufTokenSource(
  sequences: readonly LlamaSequence[],
  { contextTokens, choosableIds }: GgufSourceSize,
): TokenSource {
  const slots = sequences.map((sequence): Slot => ({ sequence, ids: [], held: 0 }));
  const slotAt = (number: number): Slot => {
    const slot = slots[number];
    invariant(slot, `no slot ${number} of ${slots.length}`);
    return slot;
  };
  const extend = async (rows: readonly ExtendRow[]): Promise<readonly Chosen[]> => {
    for (const row of rows) append(slotAt(row.slot), row, contextTokens);
    // First all caches, then all rows: so the rows are one batch.
    await settled(rows.map(({ slot }) => forget(slotAt(slot))));
    return await settled(rows.map((row) => choose(slotAt(row.slot), row, choosableIds)));
  };
  return {
    slots: slots.length,
    contextTokens,
    extend: async (rows) => Int32Array.from(await extend(rows), ({ token }) => token),
    extendScored: async (rows) => {
      const chosen = await extend(rows);
      return { tokens: Int32Array.from(chosen, ({ token }) => token), scores: chosen.map(({ score }) => score) };
    },
    truncate: (number, length) => {
      const slot = slotAt(number);
      invariant(length >= 0 && length <= slot.ids.length, `a slot of ${slot.ids.length} ids is cut to ${length}`);
      slot.ids.length = length;
      slot.held = Math.min(slot.held, length);
    },
  };
}

/** Waits for all, so that nothing is under way when the first error is thrown. */
async function settled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(work);
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw llamaError(outcome.reason);
    return outcome.value;
  });
}

function append({ ids }: Slot, row: ExtendRow, contextTokens: number): void {
  invariant(row.ids.length > 0, "a row without ids");
  if (ids.length + row.ids.length > contextTokens)
    throw new AppError(
      "limit-exceeded",
      `a sequence of ${ids.length + row.ids.length} tokens exceeds the context of ${contextTokens}`,
      { data: { tokens: ids.length + row.ids.length, contextTokens } },
    );
  for (const id of row.ids) ids.push(id);
}

/** Takes the cache back to what the slot still holds. */
async function forget({ sequence, held }: Slot): Promise<void> {
  if (sequence.nextTokenIndex > held)
    await sequence.eraseContextTokenRanges([{ start: held, end: sequence.nextTokenIndex }]);
}

interface Chosen {
  readonly token: number;
  readonly score: TokenScore | undefined;
}

async function choose(slot: Slot, row: ExtendRow, choosableIds: number): Promise<Chosen> {
  if (row.scoreTop !== undefined) return await chooseScored(slot, row, choosableIds);
  const { temperature } = row.sampling;
  const first = temperature === 0 ? GREEDY : choosableIds <= DRAWN_AMONG ? ALL : LIKELIEST;
  let known = choosable(await evaluate(slot, first), choosableIds);
  if (first !== ALL && known.every(([id]) => row.forbidden.includes(id))) {
    // What was told is of no use: everything is asked of the same place.
    slot.held = slot.ids.length - 1;
    await forget(slot);
    known = choosable(await evaluate(slot, ALL), choosableIds);
  }
  return { token: chooseAmong(known, slot, row), score: undefined };
}

type KnownLogits = readonly (readonly [id: number, logit: number])[];

function chooseAmong(known: KnownLogits, slot: Slot, row: ExtendRow): number {
  // Ids that were not given weigh nothing; in their order the others' sum is the same without them.
  const place = chooseToken(
    Float32Array.from(known, ([, logit]) => logit),
    { ...row.sampling, forbidden: placesOf(known, row.forbidden), position: slot.ids.length },
  );
  return idAt(known, place);
}

const placesOf = (known: KnownLogits, ids: readonly number[]): number[] =>
  ids.map((id) => known.findIndex(([other]) => other === id));

function idAt(known: KnownLogits, place: number): number {
  const [id] = known[place] ?? [];
  invariant(id !== undefined, "a choice among the known");
  return id;
}

/** A share needs every logit: milliseconds more for a large vocabulary. What is chosen is what would be without it. */
async function chooseScored(slot: Slot, row: ExtendRow, choosableIds: number): Promise<Chosen> {
  const told = await evaluate(slot, ALL);
  const all = choosable(told, choosableIds);
  const isDrawnAmongAll = row.sampling.temperature === 0 || choosableIds <= DRAWN_AMONG;
  // Draws without scores are among the likeliest of all rows, padding too.
  const likeliest = [...told].sort(([, a], [, b]) => b - a).slice(0, DRAWN_AMONG);
  const drawn = isDrawnAmongAll ? all : choosable(new Map(likeliest), choosableIds);
  const isUseless = drawn.every(([id]) => row.forbidden.includes(id));
  const token = chooseAmong(isUseless ? all : drawn, slot, row);
  const { logprob, top } = scoreToken(
    Float32Array.from(all, ([, logit]) => logit),
    {
      token: all.findIndex(([id]) => id === token),
      forbidden: placesOf(all, row.forbidden),
      top: row.scoreTop ?? 0,
    },
  );
  return { token, score: { logprob, top: top.map((one) => ({ ...one, id: idAt(all, one.id) })) } };
}

/** Those that the tokenizer has, in the order of ids. */
function choosable(logits: ReadonlyMap<number, number>, choosableIds: number): KnownLogits {
  return [...logits].filter(([id]) => id < choosableIds).sort(([a], [b]) => a - b);
}

/** Brings the cache up to the slot's ids; the logits behind the last of them. */
async function evaluate(slot: Slot, wanted: WantedLogits): Promise<ReadonlyMap<number, number>> {
  const { sequence, ids } = slot;
  // A model whose cache cannot be cut (recurrent ones) may have forgotten more than it was told to.
  const missing = ids.slice(sequence.nextTokenIndex);
  invariant(missing.length > 0, "nothing to evaluate");
  const last = missing.length - 1;
  slot.held = 0; // until it is done: what a failure leaves in the cache is not known
  const outputs = await sequence.controlledEvaluate([...missing.slice(0, last), [missing[last] as number, wanted]]);
  slot.held = ids.length;
  const logits = outputs[last]?.next.logits;
  if (logits !== undefined && logits.size > 0) return logits;
  throw new AppError("engine", "llama.cpp gave no logits", { hint: "the model may not be one that generates text" });
}

/** An error of llama.cpp's as one of ours. */
export function llamaError(error: unknown): Error {
  if (error instanceof AppError) return error;
  const words = error instanceof Error ? error.message : String(error);
  if (words.startsWith("bug in grappa")) return error as Error;
  return new AppError("engine", `llama.cpp failed: ${words.slice(0, 500)}`, { cause: error });
}
