/**
 * @file Which of a few thousand texts another text nearly repeats or holds, exactly: prefix filtering (Bayardo, Ma and Srikant
 * 2007, "Scaling up all pairs similarity search"). A text of the pool that shares enough grams with another shares one of its
 * rarest, and several of some more, so only those are indexed, and what meets fewer is done with after a look at each gram.
 */
import type { IdentifiedText } from "./identified-text.ts";
import { GramSet, jaccardOf, TextGrams } from "./text-grams.ts";

/** A text that holds this share of a pool text's grams holds the text. */
export const CONTAINED = 0.8;
/** Shorter texts, in different grams, are held by others by chance; about a dozen words. */
const MIN_CONTAINED_GRAMS = 64;

/** Rare grams that must be met before two texts are compared: one would do, but common words have rare grams in common. */
const MET = 8;

/** A pool text that is nearly repeated. */
export interface NearMatch {
  /** Number of the pool's text. */
  readonly at: number;
  readonly jaccard: number;
  /** Share of the pool text's grams that the other has. */
  readonly contained: number;
}

/** Texts to be compared with, under their places in the list. */
export class NearPool {
  readonly #threshold: number;
  /** Different grams of each text, ascending. */
  readonly #grams: readonly Uint32Array[];
  /** Texts by their rare grams: an open-addressing table of lists behind a filter of eight bits a slot. */
  readonly #slotGrams: Uint32Array;
  readonly #slotLists: Int32Array; // list + 1; 0: free
  readonly #lists: number[][] = [];
  readonly #filter: Uint32Array;
  readonly #shift: number;
  readonly #read = new TextGrams();
  readonly #set = new GramSet();
  /** The question that last met each slot and each text, and how many of the text's rare grams it met. */
  readonly #slotRounds: Int32Array;
  readonly #rounds: Int32Array;
  readonly #met: Int32Array;
  #round = 0;

  /** @param threshold Jaccard from which two texts are nearly the same, above 0 */
  constructor(texts: readonly Pick<IdentifiedText, "text">[], threshold: number) {
    this.#threshold = threshold;
    this.#grams = texts.map(({ text }) => this.#differentGrams(text));
    this.#rounds = new Int32Array(texts.length);
    this.#met = new Int32Array(texts.length);
    const prefixes = prefixesOf(this.#grams, (size) => this.#leastShared(size));
    const entries = prefixes.reduce((sum, { length }) => sum + length, 0);
    const bits = Math.max(6, Math.ceil(Math.log2(2 * entries + 1)));
    this.#shift = 32 - bits;
    this.#slotGrams = new Uint32Array(2 ** bits);
    this.#slotLists = new Int32Array(2 ** bits);
    this.#slotRounds = new Int32Array(2 ** bits);
    this.#filter = new Uint32Array(2 ** bits / 4);
    for (const [at, prefix] of prefixes.entries()) for (const gram of prefix) this.#insert(gram, at);
  }

  /** The pool's text that a text is nearest to, by Jaccard and then by place, or undefined where none is near or held. */
  nearest(text: string): NearMatch | undefined {
    this.#read.read(text);
    this.#round++;
    let isLoaded = false;
    let best: NearMatch | undefined;
    const { grams, count } = this.#read;
    for (let i = 0; i < count; i++) {
      for (const at of this.#textsOf(grams[i] as number)) {
        if (!this.#meets(at)) continue;
        if (!isLoaded) this.#set.load(this.#read);
        isLoaded = true;
        const match = this.#compare(at);
        if (match !== undefined && (best === undefined || isNearer(match, best))) best = match;
      }
    }
    return best;
  }

  /** Counts a rare gram of a text as met; whether it is the one that makes it worth comparing. */
  #meets(at: number): boolean {
    const met = this.#rounds[at] === this.#round ? (this.#met[at] as number) + 1 : 1;
    this.#rounds[at] = this.#round;
    this.#met[at] = met;
    return met === Math.min(MET, this.#leastShared((this.#grams[at] as Uint32Array).length));
  }

  #compare(at: number): NearMatch | undefined {
    const own = this.#grams[at] as Uint32Array;
    const shared = this.#set.countShared(own, own.length, this.#leastShared(own.length));
    if (shared < 0) return undefined;
    const contained = shared / own.length;
    const jaccard = jaccardOf(own.length, this.#set.size, shared);
    const isHeld = own.length >= MIN_CONTAINED_GRAMS && contained >= CONTAINED;
    return isHeld || jaccard >= this.#threshold ? { at, jaccard, contained } : undefined;
  }

  /** Grams that a text of the pool must share to be near or held: Jaccard is never more than the share that is held. */
  #leastShared(size: number): number {
    const share = size >= MIN_CONTAINED_GRAMS ? Math.min(CONTAINED, this.#threshold) : this.#threshold;
    return Math.max(1, Math.ceil(share * size - 1e-9));
  }

  #differentGrams(text: string): Uint32Array {
    this.#read.read(text);
    return Uint32Array.from(new Set(this.#read.grams.subarray(0, this.#read.count))).sort();
  }

  #textsOf(gram: number): readonly number[] {
    const bit = Math.imul(gram, 0x85ebca6b) >>> (this.#shift - 3);
    if (((this.#filter[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return NONE;
    const slot = this.#slotOf(gram);
    if (this.#slotRounds[slot] === this.#round) return NONE; // the same gram again
    this.#slotRounds[slot] = this.#round;
    return this.#lists[(this.#slotLists[slot] as number) - 1] ?? NONE;
  }

  #insert(gram: number, at: number): void {
    const slot = this.#slotOf(gram);
    if (this.#slotLists[slot] === 0) {
      this.#slotGrams[slot] = gram;
      this.#slotLists[slot] = this.#lists.push([]);
      const bit = Math.imul(gram, 0x85ebca6b) >>> (this.#shift - 3);
      this.#filter[bit >>> 5] = (this.#filter[bit >>> 5] as number) | (1 << (bit & 31));
    }
    (this.#lists[(this.#slotLists[slot] as number) - 1] as number[]).push(at);
  }

  #slotOf(gram: number): number {
    const mask = this.#slotLists.length - 1;
    let slot = Math.imul(gram, 0x9e3779b1) >>> this.#shift;
    while (this.#slotLists[slot] !== 0 && this.#slotGrams[slot] !== gram) slot = (slot + 1) & mask;
    return slot;
  }
}

const NONE: readonly number[] = [];

/** Nearer by Jaccard; of equally near ones the first of the pool. */
function isNearer(a: NearMatch, b: NearMatch): boolean {
  return a.jaccard > b.jaccard || (a.jaccard === b.jaccard && a.at < b.at);
}

/** Of each text so many of its rarest grams that `MET` (or `least`, if that is fewer) are left when all but `least` are missing. */
function prefixesOf(grams: readonly Uint32Array[], least: (size: number) => number): Uint32Array[] {
  const frequency = new Map<number, number>();
  for (const own of grams) for (const gram of own) frequency.set(gram, (frequency.get(gram) ?? 0) + 1);
  return grams.map((own) => {
    const byRarity = [...own].sort((a, b) => (frequency.get(a) ?? 0) - (frequency.get(b) ?? 0) || a - b);
    const needed = least(own.length);
    return Uint32Array.from(byRarity.slice(0, own.length - needed + Math.min(MET, needed)));
  });
}
