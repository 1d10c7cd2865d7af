/**
 * @file A text as the set of its runs of five symbols, for saying how alike two texts are. Symbols are letters and digits in
 * lower case, `+-*\/=<>`, and one space for all that lies between: what differs in spelling alone is the same.
 */

/** Symbols in a gram. */
export const GRAM = 5;
/** Longer texts are compared by their beginnings, UTF-16 units. */
export const MAX_CHARACTERS = 20_000;

const SPACE = 37;
const SIGNS = "+-*/=<>";
/** Symbol of each ASCII unit: 1 to 26 letters, 27 to 36 digits, 37 a space, 38 to 44 signs; 0: what lies between. */
const SYMBOLS = asciiSymbols();
const BITS = 6;
const PACKED = 2 ** (BITS * GRAM) - 1;
/** Set in the grams that hold a symbol beyond ASCII: these are hashed, the others are exact. */
const HASHED = 0x80000000;

function asciiSymbols(): Uint8Array {
  const symbols = new Uint8Array(128);
  for (let letter = 0; letter < 26; letter++) symbols[0x41 + letter] = symbols[0x61 + letter] = letter + 1;
  for (let digit = 0; digit < 10; digit++) symbols[0x30 + digit] = digit + 27;
  for (let sign = 0; sign < SIGNS.length; sign++) symbols[SIGNS.charCodeAt(sign)] = SPACE + 1 + sign;
  return symbols;
}

/** The symbols of a text and its grams, with repeats. One object serves text after text. */
export class TextGrams {
  /** 1 to 44 for ASCII; the UTF-16 unit, 128 or more, for other letters and digits. */
  symbols = new Uint16Array(1024);
  /** How many symbols there are. */
  length = 0;
  /** The grams in order. Two are equal where their symbols are; with symbols beyond ASCII, but for a collision of 31 bits. */
  grams = new Uint32Array(1024);
  /** How many grams there are: at least 1, the whole text where it is shorter than one. */
  count = 0;
  /** Whether a symbol lies beyond ASCII. */
  isWide = false;

  /** Takes in a text; what was read before is gone. */
  read(text: string): void {
    const start = text.length > MAX_CHARACTERS ? text.slice(0, MAX_CHARACTERS) : text;
    this.reserve(start.length + 1);
    this.length = readAscii(start, this.symbols);
    this.isWide = this.length < 0;
    if (this.isWide) {
      const plain = start.normalize("NFKC").toLowerCase().slice(0, MAX_CHARACTERS);
      this.reserve(plain.length + 1);
      this.length = readWide(plain, this.symbols);
    }
    this.#gram();
  }

  /** Takes the first `length` symbols that somebody has put into {@link symbols}. */
  take(length: number, isWide: boolean): void {
    this.length = length;
    this.isWide = isWide;
    this.#gram();
  }

  /** Makes room for so many symbols. */
  reserve(length: number): void {
    if (length <= this.symbols.length) return;
    const size = 2 ** Math.ceil(Math.log2(length));
    this.symbols = new Uint16Array(size);
    this.grams = new Uint32Array(size);
  }

  #gram(): void {
    const { symbols, grams, length } = this;
    this.count = Math.max(1, length - GRAM + 1);
    let packed = 0;
    let narrow = 0; // symbols since the last one beyond ASCII
    for (let at = 0; at < length; at++) {
      const symbol = symbols[at] as number;
      packed = ((packed << BITS) | (symbol & 63)) & PACKED;
      narrow = symbol < 128 ? narrow + 1 : 0;
      const first = at - GRAM + 1;
      if (first < 0) continue;
      grams[first] = narrow >= GRAM ? packed : hashSymbols(symbols, first, at + 1);
    }
    if (length < GRAM) grams[0] = narrow === length ? packed : hashSymbols(symbols, 0, length);
  }
}

function hashSymbols(symbols: Uint16Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (symbols[at] as number), 0x01000193);
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) | HASHED) >>> 0;
}

/** Writes the symbols of a text of ASCII and returns how many; -1 as soon as there is anything else. */
function readAscii(text: string, symbols: Uint16Array): number {
  let length = 0;
  let isBetween = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 127) return -1;
    const symbol = SYMBOLS[unit] as number;
    if (symbol === 0) isBetween = true;
    else {
      if (isBetween && length > 0) symbols[length++] = SPACE;
      isBetween = false;
      symbols[length++] = symbol;
    }
  }
  return length;
}

/** The same for a text of any script, brought to NFKC and lower case. */
function readWide(text: string, symbols: Uint16Array): number {
  let length = 0;
  for (const [part] of text.matchAll(/[\p{L}\p{N}+\-*/=<>]+/gu)) {
    if (length > 0) symbols[length++] = SPACE;
    for (let at = 0; at < part.length; at++) {
      const unit = part.charCodeAt(at);
      symbols[length++] = unit > 127 ? unit : (SYMBOLS[unit] as number);
    }
  }
  return length;
}

/** A set of grams to compare others with: open addressing, emptied at no cost. */
export class GramSet {
  /** Different grams. */
  size = 0;
  #keys = new Uint32Array(2048);
  /** The load in which a slot was filled, and the comparison in which it was last met; both count from 1. */
  #loads = new Uint32Array(2048);
  #meetings = new Uint32Array(2048);
  #load = 0;
  #meeting = 0;

  /** Takes the grams of a text in place of what was there. */
  load({ grams, count }: Pick<TextGrams, "grams" | "count">): void {
    if (2 * count > this.#keys.length) this.#grow(2 ** Math.ceil(Math.log2(2 * count)));
    this.#load++;
    this.size = 0;
    for (let at = 0; at < count; at++) {
      const gram = grams[at] as number;
      const slot = this.#slotOf(gram);
      if (this.#loads[slot] === this.#load) continue;
      this.#keys[slot] = gram;
      this.#loads[slot] = this.#load;
      this.size++;
    }
  }

  /** How many of its grams are among others, each different one counted once; -1 where that is, or must be, below `least`. */
  countShared(grams: Uint32Array, count: number, least = 0): number {
    this.#meeting++;
    let shared = 0;
    for (let at = 0; at < count; at++) {
      if (shared + count - at < least) return -1;
      const slot = this.#slotOf(grams[at] as number);
      if (this.#loads[slot] !== this.#load || this.#meetings[slot] === this.#meeting) continue;
      this.#meetings[slot] = this.#meeting;
      shared++;
    }
    return shared >= least ? shared : -1;
  }

  #slotOf(gram: number): number {
    const mask = this.#keys.length - 1;
    let slot = (Math.imul(gram, 0x9e3779b1) >>> 11) & mask;
    while (this.#loads[slot] === this.#load && this.#keys[slot] !== gram) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(size: number): void {
    this.#keys = new Uint32Array(size);
    this.#loads = new Uint32Array(size);
    this.#meetings = new Uint32Array(size);
  }
}

/** Jaccard of two sets by their sizes and what they share. */
export function jaccardOf(a: number, b: number, shared: number): number {
  return shared / (a + b - shared);
}
