import type { TokenSource } from "../../decode/token-source.ts";
import type { StudentModel } from "./engine-session.ts";
import type { EngineHost } from "./open-engine.ts";

/** Size of a decoder: sequences at once, tokens in each, and ids that may be chosen (the tokenizer's). */
export interface DecoderSize {
  readonly slots: number;
  readonly contextTokens: number;
  readonly choosableIds: number;
}

/**
 * Loads a model for decoding and returns it as a TokenSource. Calls reach the engine in the order in which they were made,
 * so `truncate` and `copy` need no answer; if one fails, the next `extend` reports it, once.
 */
export async function openTokenSource(
  engine: EngineHost,
  model: StudentModel,
  size: DecoderSize,
): Promise<TokenSource> {
  const { slots, contextTokens } = await engine.loadDecoder({ config: model.config, tensors: model.tensors }, size); // nothing else crosses threads
  let failure: unknown;
  const keep = (error: unknown): void => {
    failure ??= error;
  };
  /** What the call gave, unless one before it that gave no answer failed. */
  const sound = async <T>(call: Promise<T>): Promise<T> => {
    const given = await call;
    if (failure === undefined) return given;
    const told = failure;
    failure = undefined; // whoever is told takes the slots for unknown from then on
    throw told;
  };
  return {
    slots,
    contextTokens,
    extend: (rows) => sound(engine.extend(rows)),
    extendScored: (rows) => sound(engine.extendScored(rows)),
    truncate: (slot, length) => void engine.truncate(slot, length).catch(keep),
    copy: (from, to, length) => void engine.copySlot(from, to, length).catch(keep),
  };
}
