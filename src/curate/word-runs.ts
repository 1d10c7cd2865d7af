/**
 * @file Which texts share a run of words: s1's decontamination (s1.md 1.2) without making a string for any run. A word's
 * hash is taken while the text is scanned, a run's from its words' by a rolling polynomial, and a run that meets another's
 * hash is compared letter by letter: what is reported is shared, always, and nothing shared is missed.
 */

/** s1's length of a run of words. */
export const NGRAM_WORDS = 8;

const WORD_PRIME = 0x01000193; // FNV-1a
const WORD_SEED = 0x811c9dc5;
const RUN_BASE = 0x2c1b3c6d;
const SLOT_FACTOR = 0x9e3779b1;
const FILTER_FACTOR = 0x85ebca6b;

/**
 * Whether s1 (Python's `str.split`) ends a word at a UTF-16 unit: Unicode white space and the separators U+001C to U+001F,
 * but not U+FEFF.
 */
export function isWordSpace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 9 && unit <= 13) || unit >= 0x1c;
  if (unit < 0x85) return false;
  if (unit === 0x85 || unit === 0xa0 || unit === 0x1680) return true;
  return (
    unit >= 0x2000 &&
    (unit <= 0x200a || unit === 0x2028 || unit === 0x2029 || unit === 0x202f || unit === 0x205f || unit === 0x3000)
  );
}

/** The words of a text and the hashes of its runs. One object serves text after text; its arrays are as long as the longest. */
export class WordRuns {
  /** The text in lower case, as runs are compared. */
  text = "";
  /** How many words it has. */
  words = 0;
  /** How many runs it has: 0 where it is shorter than one. */
  runs = 0;
  /** Where each word starts in {@link text}, UTF-16 units. */
  starts = new Uint32Array(256);
  /** Hash of the run that starts at each word. */
  hashes = new Int32Array(256);
  readonly ngram: number;
  #wordHashes = new Int32Array(256);
  #bytes = new Uint8Array(512);

  /** @param ngram words in a run, at least 1 */
  constructor(ngram: number = NGRAM_WORDS) {
    this.ngram = ngram;
  }

  /** Takes in a text; what was read before is gone. */
  read(text: string): void {
    this.text = text.toLowerCase();
    this.#grow(this.text.length);
    // Bytes are scanned twice as fast as a string's units; where each unit is a byte, places are the same in both.
    const { read, written } = ENCODER.encodeInto(this.text, this.#bytes);
    this.words =
      read === this.text.length && written === read
        ? scanBytes(this.#bytes, written, this.starts, this.#wordHashes)
        : scanUnits(this.text, this.starts, this.#wordHashes);
    this.runs = Math.max(0, this.words - this.ngram + 1);
    hashRuns(this.#wordHashes, this.words, this.ngram, this.hashes);
  }

  /** Makes room for a text of so many units: every other may start a word. */
  #grow(units: number): void {
    if (units < this.#bytes.length) return;
    const length = 2 ** Math.ceil(Math.log2(units + 1));
    this.#bytes = new Uint8Array(length);
    this.starts = new Uint32Array(length / 2);
    this.hashes = new Int32Array(length / 2);
    this.#wordHashes = new Int32Array(length / 2);
  }
}

const ENCODER = new TextEncoder();

/** Writes where each word of an ASCII text starts, and its hash; returns how many there are. */
function scanBytes(bytes: Uint8Array, length: number, starts: Uint32Array, hashes: Int32Array): number {
  let words = 0;
  let hash = 0;
  let isInWord = false;
  for (let at = 0; at <= length; at++) {
    const byte = at < length ? (bytes[at] as number) : 0x20;
    if (byte <= 0x20 && isWordSpace(byte)) {
      if (isInWord) hashes[words++] = mixed(hash);
      isInWord = false;
    } else {
      if (!isInWord) {
        starts[words] = at;
        hash = WORD_SEED;
        isInWord = true;
      }
      hash = Math.imul(hash ^ byte, WORD_PRIME);
    }
  }
  return words;
}

/** The same for any text. */
function scanUnits(text: string, starts: Uint32Array, hashes: Int32Array): number {
  let words = 0;
  let hash = 0;
  let isInWord = false;
  for (let at = 0; at <= text.length; at++) {
    const unit = at < text.length ? text.charCodeAt(at) : 0x20;
    if (isWordSpace(unit)) {
      if (isInWord) hashes[words++] = mixed(hash);
      isInWord = false;
    } else {
      if (!isInWord) {
        starts[words] = at;
        hash = WORD_SEED;
        isInWord = true;
      }
      hash = Math.imul(hash ^ unit, WORD_PRIME);
    }
  }
  return words;
}

/** Writes the hash of each run: a polynomial of its words' hashes, taken on from one run to the next. */
function hashRuns(words: Int32Array, count: number, ngram: number, hashes: Int32Array): void {
  let leaving = 1; // the factor of the word that a run has just left behind
  for (let word = 0; word < ngram; word++) leaving = Math.imul(leaving, RUN_BASE);
  let hash = 0;
  for (let word = 0; word < count; word++) {
    hash = (Math.imul(hash, RUN_BASE) + (words[word] as number)) | 0;
    const first = word - ngram;
    if (first >= 0) hash = (hash - Math.imul(words[first] as number, leaving)) | 0;
    if (first >= -1) hashes[first + 1] = hash;
  }
}

/** Spreads a word's hash: the low bits of FNV know only the low bits of the letters, and those of a run only those of its words. */
function mixed(hash: number): number {
  const folded = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return folded ^ (folded >>> 13);
}

/** A run that a text shares with one of the index. */
export interface SharedRun {
  /** Number of the indexed text: the first that has the run. */
  readonly owner: number;
  /** Place of the run's first word in the text that was asked about. */
  readonly word: number;
  /** Which of the index's runs it is, for {@link RunIndex.ownersOf} and {@link RunIndex.sharedText}. */
  readonly run: number;
}

/**
 * Every run of the texts that were added, found by hash in an open-addressing table behind a bit filter. Each different run
 * stands once, in 26 to 52 bytes of lists, table and filter; the texts themselves are kept for the comparison.
 */
export class RunIndex {
  readonly #ngram: number;
  readonly #texts: string[] = [];
  #runs = 0;
  #owners = new Int32Array(1024);
  #starts = new Uint32Array(1024);
  /** Further texts that have a run, in the order in which they were added. */
  readonly #moreOwners = new Map<number, number[]>();
  #slotKeys = new Int32Array(2048);
  #slotRuns = new Int32Array(2048); // run + 1; 0: free
  #filter = new Uint32Array(2048 / 4);
  #shift = 32 - 11;

  constructor(ngram: number = NGRAM_WORDS) {
    this.#ngram = ngram;
  }

  /** Texts that were added. */
  get size(): number {
    return this.#texts.length;
  }

  /** Different runs. */
  get runCount(): number {
    return this.#runs;
  }

  /** Adds the text that was read, under the next number, which is returned. */
  add(read: WordRuns): number {
    const owner = this.#texts.push(read.text) - 1;
    for (let word = 0; word < read.runs; word++) {
      const run = this.#find(read, word);
      if (run < 0) this.#insert(read.hashes[word] as number, owner, read.starts[word] as number);
      else this.#share(run, owner);
    }
    return owner;
  }

  /** The first run from a word on that the index has too, or undefined. */
  firstShared(read: WordRuns, from = 0): SharedRun | undefined {
    const { hashes, runs } = read;
    const filter = this.#filter;
    const shift = this.#shift - 3;
    for (let word = from; word < runs; word++) {
      const bit = Math.imul(hashes[word] as number, FILTER_FACTOR) >>> shift;
      if (((filter[bit >>> 5] as number) & (1 << (bit & 31))) === 0) continue;
      const run = this.#find(read, word);
      if (run >= 0) return { owner: this.#owners[run] as number, word, run };
    }
    return undefined;
  }

  /** Numbers of all texts that have a run. */
  ownersOf(run: number): readonly number[] {
    return [this.#owners[run] as number, ...(this.#moreOwners.get(run) ?? [])];
  }

  /** The words from a shared run on that the two texts have in common, at most so many; lower case, one space between. */
  sharedText(read: WordRuns, { word, run, owner }: SharedRun, maxWords = Number.POSITIVE_INFINITY): string {
    const mine = wordsFrom(read.text, read.starts[word] as number, maxWords);
    const theirs = wordsFrom(this.#texts[owner] as string, this.#starts[run] as number, maxWords);
    let shared = 0;
    while (shared < mine.length && mine[shared] === theirs[shared]) shared++;
    return mine.slice(0, shared).join(" ");
  }

  /** The run of the index that equals the one at a word, or -1. */
  #find(read: WordRuns, word: number): number {
    const hash = read.hashes[word] as number;
    const mask = this.#slotRuns.length - 1;
    for (let slot = Math.imul(hash, SLOT_FACTOR) >>> this.#shift; ; slot = (slot + 1) & mask) {
      const run = (this.#slotRuns[slot] as number) - 1;
      if (run < 0) return -1;
      if (this.#slotKeys[slot] === hash && this.#isSame(read, word, run)) return run;
    }
  }

  #isSame(read: WordRuns, word: number, run: number): boolean {
    const theirs = this.#texts[this.#owners[run] as number] as string;
    return areSameWords(read.text, read.starts[word] as number, theirs, this.#starts[run] as number, this.#ngram);
  }

  #insert(hash: number, owner: number, start: number): void {
    if (this.#runs === this.#owners.length) this.#growRuns();
    if (2 * this.#runs >= this.#slotRuns.length) this.#growTable();
    this.#owners[this.#runs] = owner;
    this.#starts[this.#runs] = start;
    this.#place(hash, this.#runs++);
  }

  #share(run: number, owner: number): void {
    const more = this.#moreOwners.get(run);
    if ((more?.at(-1) ?? this.#owners[run]) === owner) return;
    if (more === undefined) this.#moreOwners.set(run, [owner]);
    else more.push(owner);
  }

  #place(hash: number, run: number): void {
    const mask = this.#slotRuns.length - 1;
    let slot = Math.imul(hash, SLOT_FACTOR) >>> this.#shift;
    while (this.#slotRuns[slot] !== 0) slot = (slot + 1) & mask;
    this.#slotKeys[slot] = hash;
    this.#slotRuns[slot] = run + 1;
    const bit = Math.imul(hash, FILTER_FACTOR) >>> (this.#shift - 3); // eight bits a slot
    this.#filter[bit >>> 5] = (this.#filter[bit >>> 5] as number) | (1 << (bit & 31));
  }

  #growRuns(): void {
    this.#owners = longer(this.#owners, new Int32Array(2 * this.#owners.length));
    this.#starts = longer(this.#starts, new Uint32Array(2 * this.#starts.length));
  }

  #growTable(): void {
    const [keys, runs] = [this.#slotKeys, this.#slotRuns];
    this.#slotKeys = new Int32Array(2 * keys.length);
    this.#slotRuns = new Int32Array(2 * keys.length);
    this.#filter = new Uint32Array(keys.length / 2);
    this.#shift--;
    for (let slot = 0; slot < runs.length; slot++)
      if (runs[slot] !== 0) this.#place(keys[slot] as number, (runs[slot] as number) - 1);
  }
}

function longer<Numbers extends Int32Array | Uint32Array>(old: Numbers, next: Numbers): Numbers {
  next.set(old);
  return next;
}

/** Whether two texts have the same words from two places on, whatever the white space between them. */
function areSameWords(a: string, atA: number, b: string, atB: number, words: number): boolean {
  let i = atA;
  let j = atB;
  for (let word = 0; word < words; word++) {
    while (i < a.length && isWordSpace(a.charCodeAt(i))) i++;
    while (j < b.length && isWordSpace(b.charCodeAt(j))) j++;
    for (; ; i++, j++) {
      const isEndA = i === a.length || isWordSpace(a.charCodeAt(i));
      const isEndB = j === b.length || isWordSpace(b.charCodeAt(j));
      if (isEndA !== isEndB) return false;
      if (isEndA) break;
      if (a.charCodeAt(i) !== b.charCodeAt(j)) return false;
    }
  }
  return true;
}

function wordsFrom(text: string, start: number, maxWords: number): string[] {
  const words: string[] = [];
  let first = -1;
  for (let at = start; at <= text.length && words.length < maxWords; at++) {
    const isSpace = at === text.length || isWordSpace(text.charCodeAt(at));
    if (isSpace && first >= 0) words.push(text.slice(first, at));
    if (isSpace) first = -1;
    else if (first < 0) first = at;
  }
  return words;
}
