/**
 * @file Many texts, and which of them are nearly the same: MinHash over their grams, banded so that close texts meet, then the
 * exact Jaccard of those that met. Time grows with the texts, not with their pairs; what is found is near, always.
 * Broder 1997, "On the resemblance and containment of documents"; Indyk and Motwani 1998 for the bands.
 *
 * Memory: 4 bytes a band and text, twice that and 4 to 8 more once texts are looked up, and a byte a symbol.
 */
import { GramSet, jaccardOf, TextGrams } from "./text-grams.ts";

/** How texts are made to meet. */
export interface Bands {
  readonly bands: number;
  /** Minima that must agree in a band. */
  readonly rows: number;
}

/**
 * Bands in which two texts of Jaccard `threshold` fail to meet at most so often, `1 - (1 - threshold^rows)^bands`. More rows
 * keep strangers apart, and need more bands.
 */
export function bandsFor(threshold: number, missRate: number): Bands {
  const rows = threshold < 0.7 ? 3 : threshold < 0.78 ? 4 : threshold < 0.88 ? 5 : 7;
  return { rows, bands: Math.max(1, Math.ceil(Math.log(missRate) / Math.log(1 - threshold ** rows))) };
}

/** Texts of one chunk of the arrays. */
const CHUNK_BITS = 12;
const CHUNK = 2 ** CHUNK_BITS;
const PAGE_BITS = 22;
/** Bytes that stand for one symbol beyond ASCII: this mark, then its unit. */
const WIDE_MARK = 63;
/** Texts that a bucket takes in; see {@link NearTexts.crowded}. */
const MAX_BUCKET = 256;

/** How sure one wants to be, at what cost. */
export interface NearTextsOptions {
  /** How often two texts at the threshold may fail to meet; 1 in 10,000 where absent. */
  readonly missRate?: number;
  /** Most others that a text is compared with, of those that it meets; 128 where absent. */
  readonly maxCompared?: number;
}

/** What is kept of `CHUNK` texts. */
interface Chunk {
  /** For each text the keys of its bands, and a hash of all its symbols. */
  readonly keys: Uint32Array;
  /** The next text of the same place of a band, + 1. */
  readonly next: Int32Array;
  readonly positions: Uint32Array;
  readonly bytes: Uint32Array;
  /** Different grams. */
  readonly sizes: Uint32Array;
}

/**
 * Texts under numbers from 0. First all are added, in any order; then each is asked for its neighbours and indexed, in an order
 * that the caller chooses and that the result depends on.
 */
export class NearTexts {
  /**
   * Texts that met more others than they were compared with, or were left out of a full bucket: of many that look alike without
   * being near. They were compared with those that they met in most bands; a near one may be missed.
   */
  crowded = 0;
  readonly threshold: number;
  readonly #maxCompared: number;
  readonly #bands: number;
  readonly #rows: number;
  /** Keys of a text: the bands' and that of the whole. */
  readonly #width: number;
  readonly #factors: Int32Array;
  readonly #offsets: Int32Array;
  readonly #minima: Int32Array;
  readonly #chunks: Chunk[] = [];
  readonly #pages: Uint8Array[] = [];
  #pageUsed = 2 ** PAGE_BITS;
  #size = 0;
  #mixed = new Int32Array(1024);
  readonly #own = new TextGrams();
  readonly #other = new TextGrams();
  readonly #set = new GramSet();
  /** First text of each place of each band, + 1; made when the first is asked for. */
  #heads = new Int32Array(0);
  #headBits = 0;
  /** The text that last met each, + 1, and in how many bands. */
  #seen = new Int32Array(0);
  #bandsMet = new Uint16Array(0);
  /** Those that a text met, in the order of its bands. */
  readonly #met: number[] = [];
  /** Text whose grams are in {@link #set}. */
  #loaded = -1;
  /** Of the text that was last asked about: the one with the same symbols, full buckets, whether something was left out. */
  #twin = -1;
  readonly #full: Uint8Array;
  #isCrowded = false;

  /** @param threshold Jaccard from which two texts are near, above 0 */
  constructor(threshold: number, { missRate = 1e-4, maxCompared = 128 }: NearTextsOptions = {}) {
    this.#maxCompared = maxCompared;
    const { bands, rows } = bandsFor(threshold, missRate);
    this.threshold = threshold;
    this.#bands = bands;
    this.#rows = rows;
    this.#width = bands + 1;
    const permutations = Math.ceil((bands * rows) / 4) * 4; // minima are taken four at a time
    this.#factors = Int32Array.from({ length: permutations }, (_, at) => mix(2 * at + 1) | 1);
    this.#offsets = Int32Array.from({ length: permutations }, (_, at) => mix(2 * at + 2));
    this.#minima = new Int32Array(permutations);
    this.#full = new Uint8Array(this.#width);
  }

  /** Texts that were added. */
  get size(): number {
    return this.#size;
  }

  /** Adds a text under the next number, which is returned. */
  add(text: string): number {
    const at = this.#size++;
    if ((at & (CHUNK - 1)) === 0) this.#chunks.push(this.#newChunk());
    const chunk = this.#chunks[at >>> CHUNK_BITS] as Chunk;
    const place = at & (CHUNK - 1);
    this.#own.read(text);
    this.#set.load(this.#own);
    this.#loaded = -1;
    chunk.sizes[place] = this.#set.size;
    this.#store(chunk, place);
    this.#sign(chunk.keys, place * this.#width);
    return at;
  }

  /**
   * Tells the indexed texts that are near to one, in an order that depends on what was indexed alone; each once. A text with the
   * same grams is the only one told of: whatever else is near is near to that one.
   *
   * @param skip texts that need not be compared
   */
  findNear(at: number, found: (other: number, jaccard: number) => void, skip?: (other: number) => boolean): void {
    if (this.#heads.length === 0) this.#open();
    this.#full.fill(0);
    this.#isCrowded = false;
    this.#twin = this.#findTwin(at);
    if (this.#twin >= 0) return found(this.#twin, 1);
    this.#met.length = 0;
    for (let band = 0; band < this.#bands; band++) this.#meet(at, band, skip);
    let compared = 0;
    for (const other of this.#mostLikely()) {
      if (skip?.(other)) continue;
      if (++compared > this.#maxCompared) break;
      const jaccard = this.#jaccard(at, other);
      if (jaccard >= this.threshold) found(other, jaccard);
    }
    this.#isCrowded = compared > this.#maxCompared;
  }

  /** Indexes the text that {@link findNear} was last asked about. */
  index(at: number): void {
    if (this.#twin >= 0) return;
    const { next } = this.#chunks[at >>> CHUNK_BITS] as Chunk;
    for (let band = 0; band < this.#width; band++) {
      if (this.#full[band] === 1) {
        this.#isCrowded = true;
        continue;
      }
      const head = this.#headOf(band, this.#keyOf(at, band));
      next[(at & (CHUNK - 1)) * this.#width + band] = this.#heads[head] as number;
      this.#heads[head] = at + 1;
    }
    if (this.#isCrowded) this.crowded++;
  }

  /** An indexed text with the same symbols, or -1. */
  #findTwin(at: number): number {
    const key = this.#keyOf(at, this.#bands);
    for (let other = this.#first(this.#bands, key); other >= 0; other = this.#nextOf(other, this.#bands))
      if (this.#keyOf(other, this.#bands) === key && this.#jaccard(at, other) === 1) return other;
    return -1;
  }

  /** Notes those that a text meets in a band. */
  #meet(at: number, band: number, skip?: (other: number) => boolean): void {
    const key = this.#keyOf(at, band);
    let size = 0;
    for (let other = this.#first(band, key); other >= 0; other = this.#nextOf(other, band)) {
      if (this.#keyOf(other, band) !== key) continue;
      if (++size === MAX_BUCKET) this.#full[band] = 1;
      if (this.#seen[other] === at + 1) this.#bandsMet[other] = (this.#bandsMet[other] as number) + 1;
      else if (!skip?.(other)) {
        this.#seen[other] = at + 1;
        this.#bandsMet[other] = 1;
        this.#met.push(other);
      }
    }
  }

  /** Those that were met; where they are too many, those of most bands first, and of as many bands as they were met. */
  #mostLikely(): readonly number[] {
    if (this.#met.length <= this.#maxCompared) return this.#met;
    const byBands: number[][] = Array.from({ length: this.#bands + 1 }, () => []);
    for (const other of this.#met) (byBands[this.#bandsMet[other] as number] as number[]).push(other);
    return byBands.reverse().flat();
  }

  #first(band: number, key: number): number {
    return (this.#heads[this.#headOf(band, key)] as number) - 1;
  }

  #nextOf(other: number, band: number): number {
    const { next } = this.#chunks[other >>> CHUNK_BITS] as Chunk;
    return (next[(other & (CHUNK - 1)) * this.#width + band] as number) - 1;
  }

  /** Jaccard of two texts, or a number below the threshold as soon as it is certain that it is below. */
  #jaccard(at: number, other: number): number {
    const own = this.#sizeOf(at);
    const size = this.#sizeOf(other);
    if (Math.min(own, size) < this.threshold * Math.max(own, size)) return -1;
    if (this.#loaded !== at) {
      this.#restore(at, this.#own);
      this.#set.load(this.#own);
      this.#loaded = at;
    }
    this.#restore(other, this.#other);
    const least = Math.floor((this.threshold / (1 + this.threshold)) * (own + size) - 1e-6);
    const shared = this.#set.countShared(this.#other.grams, this.#other.count, least);
    return shared < 0 ? -1 : jaccardOf(own, size, shared);
  }

  #sizeOf(at: number): number {
    return (this.#chunks[at >>> CHUNK_BITS] as Chunk).sizes[at & (CHUNK - 1)] as number;
  }

  #keyOf(at: number, band: number): number {
    return (this.#chunks[at >>> CHUNK_BITS] as Chunk).keys[(at & (CHUNK - 1)) * this.#width + band] as number;
  }

  #headOf(band: number, key: number): number {
    return band * 2 ** this.#headBits + (Math.imul(key, 0x9e3779b1) >>> (32 - this.#headBits));
  }

  #open(): void {
    this.#headBits = Math.max(4, Math.ceil(Math.log2(this.#size + 1)));
    this.#heads = new Int32Array(this.#width * 2 ** this.#headBits);
    this.#seen = new Int32Array(this.#size);
    this.#bandsMet = new Uint16Array(this.#size);
  }

  #newChunk(): Chunk {
    return {
      keys: new Uint32Array(CHUNK * this.#width),
      next: new Int32Array(CHUNK * this.#width),
      positions: new Uint32Array(CHUNK),
      bytes: new Uint32Array(CHUNK),
      sizes: new Uint32Array(CHUNK),
    };
  }

  /** Keeps the symbols that were read: a byte each, three beyond ASCII. */
  #store(chunk: Chunk, place: number): void {
    const { symbols, length } = this.#own;
    if (this.#pageUsed + 3 * length > 2 ** PAGE_BITS) {
      this.#pages.push(new Uint8Array(2 ** PAGE_BITS));
      this.#pageUsed = 0;
    }
    const page = this.#pages.at(-1) as Uint8Array;
    const start = this.#pageUsed;
    let end = start;
    for (let at = 0; at < length; at++) {
      const symbol = symbols[at] as number;
      if (symbol < 128) page[end++] = symbol;
      else {
        page[end++] = WIDE_MARK;
        page[end++] = symbol >>> 8;
        page[end++] = symbol & 255;
      }
    }
    this.#pageUsed = end;
    chunk.positions[place] = (this.#pages.length - 1) * 2 ** PAGE_BITS + start;
    chunk.bytes[place] = end - start;
  }

  #restore(text: number, into: TextGrams): void {
    const chunk = this.#chunks[text >>> CHUNK_BITS] as Chunk;
    const position = chunk.positions[text & (CHUNK - 1)] as number;
    const page = this.#pages[position >>> PAGE_BITS] as Uint8Array;
    const start = position & (2 ** PAGE_BITS - 1);
    const end = start + (chunk.bytes[text & (CHUNK - 1)] as number);
    into.reserve(end - start);
    const { symbols } = into;
    let length = 0;
    let isWide = false;
    for (let at = start; at < end; at++) {
      const symbol = page[at] as number;
      if (symbol !== WIDE_MARK) symbols[length++] = symbol;
      else {
        symbols[length++] = ((page[at + 1] as number) << 8) | (page[at + 2] as number);
        at += 2;
        isWide = true;
      }
    }
    into.take(length, isWide);
  }

  /** Writes the keys of the text that was read. */
  #sign(keys: Uint32Array, first: number): void {
    const { grams, count } = this.#own;
    if (count > this.#mixed.length) this.#mixed = new Int32Array(2 ** Math.ceil(Math.log2(count)));
    let whole = 0;
    for (let at = 0; at < count; at++) {
      const gram = grams[at] as number;
      this.#mixed[at] = mix(gram);
      whole = (Math.imul(whole, 0x2c1b3c6d) + gram) | 0;
    }
    const minima = this.#minima;
    for (let at = 0; at < minima.length; at += 4)
      fourMinima(this.#mixed, count, this.#factors, this.#offsets, minima, at);
    for (let band = 0; band < this.#bands; band++) {
      let key = band;
      for (let row = 0; row < this.#rows; row++) key = mix(key ^ (minima[band * this.#rows + row] as number));
      keys[first + band] = key;
    }
    keys[first + this.#bands] = mix(whole);
  }
}

/** The smallest of the hashes under each of four permutations; four at once, since one alone waits for its multiplications. */
function fourMinima(
  hashes: Int32Array,
  count: number,
  factors: Int32Array,
  offsets: Int32Array,
  minima: Int32Array,
  at: number,
): void {
  const fa = factors[at] as number;
  const fb = factors[at + 1] as number;
  const fc = factors[at + 2] as number;
  const fd = factors[at + 3] as number;
  const oa = offsets[at] as number;
  const ob = offsets[at + 1] as number;
  const oc = offsets[at + 2] as number;
  const od = offsets[at + 3] as number;
  let a = 0x7fffffff;
  let b = a;
  let c = a;
  let d = a;
  for (let i = 0; i < count; i++) {
    const hash = hashes[i] as number;
    const ha = (Math.imul(hash, fa) + oa) | 0;
    const hb = (Math.imul(hash, fb) + ob) | 0;
    const hc = (Math.imul(hash, fc) + oc) | 0;
    const hd = (Math.imul(hash, fd) + od) | 0;
    if (ha < a) a = ha;
    if (hb < b) b = hb;
    if (hc < c) c = hc;
    if (hd < d) d = hd;
  }
  minima[at] = a;
  minima[at + 1] = b;
  minima[at + 2] = c;
  minima[at + 3] = d;
}

/** Murmur3's finaliser: every bit of the result depends on every bit. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
