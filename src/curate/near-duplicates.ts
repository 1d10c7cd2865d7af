/**
 * @file Clusters of texts that say nearly the same: MinHash over character 5-grams, banded so that close texts meet, then an
 * exact Jaccard on those that met, then union-find. Time grows with the texts, not with their pairs.
 * Broder 1997, "On the resemblance and containment of documents".
 */

/** A text with its id. */
export interface IdentifiedText {
  readonly id: string;
  readonly text: string;
}

/** Jaccard of the 5-gram sets from which two texts are near-duplicates. */
export const NEAR_DUPLICATE_JACCARD = 0.6;

const GRAM = 5;
/** Longer texts are compared by their beginnings. */
const MAX_CHARACTERS = 20_000;
/** 64 bands of 3: two texts at the threshold meet but once in 6 million (1-(1-0.6^3)^64). */
const BANDS = 64;
const ROWS = 3;
/** Texts of one bucket that a further one is compared with: a bucket of thousands must not cost millions of comparisons. */
const MAX_COMPARED = 24;

/**
 * The cluster of every text: the smallest id in it, so that it depends on no order. Texts whose letters and digits are the
 * same are always together; a chain of near-duplicates is one cluster.
 *
 * @returns cluster by id; equal ids count once.
 */
export function nearDuplicateClusters(texts: readonly IdentifiedText[]): ReadonlyMap<string, string> {
  const ordered = [...texts].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const grams = ordered.map(({ text }) => gramsOf(text));
  const roots = ordered.map((_, at) => at);
  const rootOf = (at: number): number => {
    let root = at;
    while (roots[root] !== root) root = roots[root] as number;
    for (let step = at; step !== root; ) [step, roots[step]] = [roots[step] as number, root];
    return root;
  };
  const join = (a: number, b: number): void => {
    const [low, high] = [rootOf(a), rootOf(b)].sort((x, y) => x - y) as [number, number];
    roots[high] = low; // the smallest place is the smallest id
  };
  for (const bucket of buckets(grams)) joinBucket(bucket, { grams, rootOf, join });
  return new Map(ordered.map(({ id }, at) => [id, ordered[rootOf(at)]?.id ?? id]));
}

interface Clusters {
  readonly grams: readonly Uint32Array[];
  rootOf(at: number): number;
  join(a: number, b: number): void;
}

/** Joins what is near in one bucket; each is compared with one of each cluster that has met there. */
function joinBucket(bucket: readonly number[], { grams, rootOf, join }: Clusters): void {
  const met: number[] = [];
  for (const at of bucket) {
    const own = grams[at] as Uint32Array;
    let isKnown = false;
    for (const other of met) {
      if (rootOf(other) === rootOf(at)) isKnown = true;
      else if (jaccard(own, grams[other] as Uint32Array) >= NEAR_DUPLICATE_JACCARD) {
        join(at, other);
        isKnown = true;
      }
    }
    if ((!isKnown || met.length < MAX_COMPARED / 2) && met.length < MAX_COMPARED) met.push(at);
  }
}

/** Share of the grams of both that are in each; both sorted. 1 for two texts without any. */
function jaccard(a: Uint32Array, b: Uint32Array): number {
  let shared = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [x, y] = [a[i] as number, b[j] as number];
    if (x === y) shared += 1;
    if (x <= y) i += 1;
    if (y <= x) j += 1;
  }
  const all = a.length + b.length - shared;
  return all === 0 ? 1 : shared / all;
}

/** Letters and digits in lower case, one space for all between: what differs only in spelling is the same. */
function normalise(text: string): string {
  return text
    .slice(0, MAX_CHARACTERS)
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}+\-*/=<>]+/gu, " ")
    .trim();
}

/** Hashes (FNV-1a) of a text's 5-grams, ascending, each once; of the whole text where it is shorter. */
function gramsOf(text: string): Uint32Array {
  const normal = normalise(text);
  const found = new Set<number>();
  for (let at = 0; at === 0 || at + GRAM <= normal.length; at++) {
    let hash = 0x811c9dc5;
    for (let i = at; i < Math.min(at + GRAM, normal.length); i++)
      hash = Math.imul(hash ^ normal.charCodeAt(i), 0x01000193);
    found.add(hash >>> 0);
  }
  return Uint32Array.from(found).sort();
}

/** For each band, the texts that agree in all of its minima; only those where two meet. */
function* buckets(grams: readonly Uint32Array[]): Generator<readonly number[]> {
  for (let band = 0; band < BANDS; band++) {
    const byKey = new Map<string, number[]>();
    for (const [at, own] of grams.entries()) {
      let key = "";
      for (let row = 0; row < ROWS; row++) key += `${minimum(own, band * ROWS + row)}/`;
      const bucket = byKey.get(key);
      if (bucket === undefined) byKey.set(key, [at]);
      else bucket.push(at);
    }
    for (const bucket of byKey.values()) if (bucket.length > 1) yield bucket;
  }
}

/** The smallest of the grams' hashes under one of many permutations (murmur3's finaliser, keyed). */
function minimum(grams: Uint32Array, permutation: number): number {
  const key = Math.imul(permutation + 1, 0x9e3779b1);
  let least = 0xffffffff;
  for (const gram of grams) {
    let hash = gram ^ key;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash = (hash ^ (hash >>> 16)) >>> 0;
    if (hash < least) least = hash;
  }
  return least;
}
