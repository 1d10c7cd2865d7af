import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng, type Prng } from "../core/prng.ts";
import { findRepresentatives } from "./duplicates.ts";
import { NearPool } from "./near-benchmark.ts";
import { bandsFor, NearTexts } from "./near-texts.ts";

/** The set of grams, written again from its definition. */
function gramsOf(text: string): Set<string> {
  const plain = text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}+\-*/=<>]+/gu, " ")
    .trim();
  return new Set(Array.from({ length: Math.max(1, plain.length - 4) }, (_, at) => plain.slice(at, at + 5)));
}

function overlap(a: Set<string>, b: Set<string>): number {
  let shared = 0;
  for (const gram of a) if (b.has(gram)) shared++;
  return shared;
}

function jaccard(a: Set<string>, b: Set<string>): number {
  const shared = overlap(a, b);
  return shared / (a.size + b.size - shared);
}

const WORDS = Array.from({ length: 400 }, (_, at) => {
  const random = prng(`near-texts/word/${at}`);
  return Array.from({ length: random.int(2, 9) }, () => String.fromCharCode(97 + random.int(0, 25))).join("");
});

const sentence = (random: Prng, words: number): string =>
  Array.from({ length: words }, () => random.pick(WORDS)).join(" ");

function withEdits(text: string, edits: number, random: Prng): string {
  const words = text.split(" ");
  for (let edit = 0; edit < edits; edit++) words[random.int(0, words.length - 1)] = random.pick(WORDS);
  return words.join(" ");
}

/** 3,000 texts of 5 to 60 words, of which two thirds are others with some words replaced. */
function corpus(): string[] {
  const random = prng("near-texts/corpus");
  const texts: string[] = [];
  for (let at = 0; at < 3_000; at++) {
    const isCopy = at % 3 > 0;
    texts.push(isCopy ? withEdits(random.pick(texts), random.int(0, 4), random) : sentence(random, random.int(5, 60)));
  }
  return texts;
}

/** Every pair at or above a Jaccard, by comparing all with all. */
function allPairs(texts: readonly string[], threshold: number): [number, number, number][] {
  const numbers = new Map<string, number>();
  const grams = texts.map((text) =>
    [...gramsOf(text)].map((gram) => numbers.get(gram) ?? (numbers.set(gram, numbers.size), numbers.size - 1)),
  );
  const pairs: [number, number, number][] = [];
  const holder = new Int32Array(numbers.size).fill(-1);
  for (const [a, own] of grams.entries()) {
    for (const gram of own) holder[gram] = a;
    for (let b = a + 1; b < grams.length; b++) {
      const other = grams[b] as number[];
      if (Math.min(own.length, other.length) < threshold * Math.max(own.length, other.length)) continue; // cannot reach it
      let shared = 0;
      for (const gram of other) if (holder[gram] === a) shared++;
      const value = shared / (own.length + other.length - shared);
      if (value >= threshold) pairs.push([a, b, value]);
    }
  }
  return pairs;
}

function filled(texts: readonly string[], threshold: number): NearTexts {
  const near = new NearTexts(threshold);
  for (const text of texts) near.add(text);
  return near;
}

const STRANGE = `?|a|ab|same same same same|é|日本語の問題です|日本語の問題でした|x+1=2|x-1=2|ﬁve ﬁsh|five fish|ΣΑΣ|😀😀😀`;
const strange = fc.constantFrom(
  ...STRANGE.split("|"),
  "",
  "\ud800",
  "\udc00 \ud800 x",
  "a".repeat(30_000),
  `${"a".repeat(30_000)} b`,
);

describe("NearTexts", () => {
  it("finds 99 % of all pairs of Jaccard 0.8 or more among 3,000 texts, and no other", () => {
    const texts = corpus();
    const near = filled(texts, 0.8);
    const found = new Map<string, number>();
    const isTwin = new Set<number>();
    for (let at = 0; at < texts.length; at++) {
      near.findNear(at, (other, value) => {
        found.set(`${other} ${at}`, value);
        if (value === 1) isTwin.add(at);
      });
      near.index(at);
    }
    let pairs = 0;
    let missed = 0;
    let confirmed = 0;
    for (const [a, b, value] of allPairs(texts, 0.8)) {
      if (found.get(`${a} ${b}`) === value) confirmed++;
      if (isTwin.has(a) || isTwin.has(b)) continue; // a twin answers for the text
      pairs++;
      if (!found.has(`${a} ${b}`)) missed++;
    }
    expect(pairs).toBeGreaterThan(1_000);
    expect(missed / pairs).toBeLessThanOrEqual(0.01);
    expect(confirmed).toBe(found.size);
    expect(near.crowded).toBe(0);
  });

  it("keeps no two near texts, and drops none but for a near one that it keeps, whatever they hold", () => {
    fc.assert(
      fc.property(fc.array(strange, { maxLength: 12 }), (texts) => {
        const { of, jaccards } = findRepresentatives(filled(texts, 0.7), texts.keys());
        for (const [at, representative] of of.entries()) {
          if (representative < 0) {
            for (let other = 0; other < at; other++)
              if (of[other] === -1) expect(jaccard(shortGrams(texts[at]), shortGrams(texts[other]))).toBeLessThan(0.7);
            continue;
          }
          expect(of[representative]).toBe(-1);
          expect(jaccards[at]).toBe(jaccard(shortGrams(texts[at]), shortGrams(texts[representative])));
        }
      }),
    );
  });

  it("counts the comparisons that it leaves out when hundreds look alike, and still finds what is the same", () => {
    const random = prng("near-texts/crowd");
    const frame = sentence(random, 40);
    const texts = Array.from({ length: 700 }, () => `${frame} ${sentence(random, 12)}`); // Jaccard about 0.6
    const near = filled([...texts, ...texts], 0.8);
    const { of } = findRepresentatives(near, [...texts, ...texts].keys());
    expect(near.crowded).toBeGreaterThan(0);
    for (let at = 0; at < texts.length; at++) expect(of[texts.length + at]).toBe(of[at] === -1 ? at : of[at]);
  });

  it("has bands enough for the misses that are allowed", () => {
    for (const threshold of [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1]) {
      const { bands, rows } = bandsFor(threshold, 1e-4);
      expect((1 - threshold ** rows) ** bands).toBeLessThanOrEqual(1e-4 + 1e-12);
    }
  });
});

/** Grams of what is compared: the first 20,000 units. */
function shortGrams(text: string | undefined): Set<string> {
  return gramsOf((text ?? "").slice(0, 20_000));
}

describe("NearPool", () => {
  it("finds the text that brute force finds, by Jaccard or by what is held", () => {
    const random = prng("near-pool");
    const pool = Array.from({ length: 200 }, () => sentence(random, random.int(2, 40)));
    const grams = pool.map(gramsOf);
    const near = new NearPool(
      pool.map((text) => ({ text })),
      0.7,
    );
    let found = 0;
    for (let at = 0; at < 600; at++) {
      const copy = withEdits(random.pick(pool), random.int(0, 6), random);
      const asked =
        at % 3 === 0
          ? copy
          : at % 3 === 1
            ? `${sentence(random, 20)} ${copy} ${sentence(random, 60)}`
            : sentence(random, 30);
      const own = gramsOf(asked);
      const near0 = grams.map((other, place) => ({
        at: place,
        jaccard: jaccard(own, other),
        contained: overlap(other, own) / other.size,
      }));
      const expected = near0
        .filter((one) => one.jaccard >= 0.7 || (one.contained >= 0.8 && (grams[one.at]?.size ?? 0) >= 64))
        .sort((a, b) => b.jaccard - a.jaccard || a.at - b.at)[0];
      expect(near.nearest(asked)).toEqual(expected);
      if (expected !== undefined) found++;
    }
    expect(found).toBeGreaterThan(150);
  });
  it("takes texts without words, short ones, huge ones and lone surrogates", () => {
    const texts = ["", "a", "\ud800", "x".repeat(100_000), "日本語の問題です"];
    const near = new NearPool(
      texts.map((text) => ({ text })),
      0.8,
    );
    expect(texts.map((text) => near.nearest(text)?.at)).toEqual([0, 1, 0, 3, 4]);
    expect(near.nearest("something else")).toBeUndefined();
  });
});
