/**
 * @file What the slots of a source hold after their rows have ended: a new prompt starts from the longest prefix of it that a slot
 * holds, in place or copied, instead of being computed from its first id. By the source's contract that changes no choice.
 */
import { commonLength } from "./common-length.ts";
import type { TokenSource } from "./token-source.ts";

/** The ids of one slot, as its rows leave them. */
export interface SlotContent {
  readonly ids: number[];
  /** Leading ids that the model has computed; the others are in the call under way. */
  computed: number;
  /** False where something else may lie in the slot: it is emptied before it is used. */
  isKnown: boolean;
}

/** A slot of which nothing is known. */
export function unknownContent(): SlotContent {
  return { ids: [], computed: 0, isKnown: false };
}

/** A prompt and who asks it. */
export interface OwnedPrompt {
  readonly promptIds: readonly number[];
  /** Nobody starts from what another caller left: how much was reused would tell what the other had asked. */
  readonly caller: string;
}

/** Less than this is sooner computed than waited for or copied, ids. */
const LEAST_GAIN = 8;

interface Held {
  readonly content: SlotContent;
  owner: string | undefined;
  /** When it was last taken or left; 0: never. */
  usedAt: number;
}

/** The contents of all slots of one source. */
export class HeldPrefixes {
  readonly #source: Pick<TokenSource, "slots" | "copy">;
  readonly #held: readonly Held[];
  #time = 0;

  constructor(source: Pick<TokenSource, "slots" | "copy">) {
    this.#source = source;
    const empty = (): Held => ({ content: unknownContent(), owner: undefined, usedAt: 0 });
    this.#held = Array.from({ length: source.slots }, empty);
  }

  /** The content of a slot: one object, changed in place. */
  of(slot: number): SlotContent {
    return this.#at(slot).content;
  }

  /**
   * Which of the free slots a prompt best takes: the one that holds most of it, unless more would be forgotten there than is
   * kept; then the one that was left longest ago.
   * @param free at least one slot
   */
  choose(prompt: OwnedPrompt, free: readonly number[]): number {
    const oldest = free.reduce((best, slot) => (this.#at(slot).usedAt < this.#at(best).usedAt ? slot : best));
    const shared = this.#held.map((_, slot) => this.#shared(slot, prompt));
    const lengthOf = (slot: number): number => shared[slot] ?? 0;
    const nearest = free.reduce((best, slot) => (lengthOf(slot) > lengthOf(best) ? slot : best));
    const kept = lengthOf(nearest);
    const lost = this.of(nearest).ids.length - kept;
    const isWorthIt =
      this.#source.copy === undefined
        ? kept >= lost || 2 * kept >= prompt.promptIds.length
        : kept >= lost && kept >= Math.max(...shared);
    return kept > 0 && isWorthIt ? nearest : oldest;
  }

  /**
   * Brings as much of the prompt as another slot holds into this one, and gives the slot to the caller.
   * @returns false where nothing was done, since the call under way computes much of the prompt: to be tried again after it
   */
  prepare(slot: number, prompt: OwnedPrompt): boolean {
    const own = this.#shared(slot, prompt);
    if (this.#source.copy !== undefined) {
      const shared = this.#held.map((_, other) => this.#shared(other, prompt));
      const computed = shared.map((length, other) => Math.min(length, this.of(other).computed));
      const most = Math.max(...computed);
      if (Math.max(...shared) >= Math.max(own, most) + LEAST_GAIN) return false;
      if (most >= own + LEAST_GAIN) this.#copy({ from: computed.indexOf(most), to: slot, length: most });
    }
    const held = this.#at(slot);
    if (held.owner !== prompt.caller) empty(held.content);
    held.owner = prompt.caller;
    this.touch(slot);
    return true;
  }

  /** The call under way is done for this slot. */
  computed(slot: number): void {
    const { content } = this.#at(slot);
    content.computed = content.ids.length;
  }

  /** The slot was taken or left just now. */
  touch(slot: number): void {
    this.#at(slot).usedAt = ++this.#time;
  }

  /** A call failed: nothing is known of any slot. */
  forget(): void {
    for (const held of this.#held) {
      empty(held.content);
      held.owner = undefined;
      held.usedAt = 0;
    }
  }

  #copy({ from, to, length }: { readonly from: number; readonly to: number; readonly length: number }): void {
    this.#source.copy?.(from, to, length);
    const [source, target] = [this.#at(from), this.#at(to)];
    target.content.ids.length = 0;
    for (const id of source.content.ids.slice(0, length)) target.content.ids.push(id);
    target.content.computed = length;
    target.content.isKnown = true;
    target.owner = source.owner;
  }

  /** Leading ids of the prompt that the slot holds, or will after the call under way. */
  #shared(slot: number, { promptIds, caller }: OwnedPrompt): number {
    const { content, owner } = this.#at(slot);
    return owner === caller ? commonLength(content.ids, promptIds) : 0;
  }

  #at(slot: number): Held {
    const held = this.#held[slot];
    if (held === undefined) throw new Error(`bug in grappa: no slot ${slot} of ${this.#held.length}`);
    return held;
  }
}

function empty(content: SlotContent): void {
  content.ids.length = 0;
  content.computed = 0;
  content.isKnown = false;
}
