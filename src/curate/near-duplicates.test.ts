import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import { holdOut } from "./hold-out.ts";
import { NEAR_DUPLICATE_JACCARD, nearDuplicateClusters } from "./near-duplicates.ts";

const WORDS = "the oven bakes a loaf while two cooks weigh flour salt water and yeast before dawn in Bern".split(" ");
const sentence = fc.array(fc.constantFrom(...WORDS), { minLength: 6, maxLength: 20 }).map((words) => words.join(" "));

/** A sentence, and copies of it with a word or two changed. */
const family = fc
  .tuple(sentence, fc.array(fc.tuple(fc.nat(30), fc.constantFrom(...WORDS)), { maxLength: 4 }))
  .map(([text, edits]) => [
    text,
    ...edits.map(([at, word]) =>
      text
        .split(" ")
        .map((old, i, all) => (i === at % all.length ? word : old))
        .join(" "),
    ),
  ]);
const corpus = fc
  .array(family, { minLength: 1, maxLength: 8 })
  .map((families) => families.flat().map((text, at) => ({ id: `q${String(at).padStart(3, "0")}`, text })));

/** Jaccard of 5-grams, written again from its definition. */
function jaccard(a: string, b: string): number {
  const grams = (text: string): Set<string> =>
    new Set(Array.from({ length: Math.max(1, text.length - 4) }, (_, at) => text.toLowerCase().slice(at, at + 5)));
  const [x, y] = [grams(a), grams(b)];
  const shared = [...x].filter((gram) => y.has(gram)).length;
  return shared / (x.size + y.size - shared);
}

describe("nearDuplicateClusters", () => {
  it("never parts two texts at or above the threshold, whatever their order", () => {
    fc.assert(
      fc.property(corpus, fc.nat(), (texts, seed) => {
        const clusters = nearDuplicateClusters(texts);
        for (const a of texts)
          for (const b of texts)
            if (jaccard(a.text, b.text) >= NEAR_DUPLICATE_JACCARD) expect(clusters.get(a.id)).toBe(clusters.get(b.id));
        const shuffled = nearDuplicateClusters(prng(String(seed)).shuffle(texts));
        for (const { id } of texts) expect(shuffled.get(id)).toBe(clusters.get(id));
      }),
      { numRuns: 60 },
    );
  });

  it("takes spelling for nothing, numbers for something, and other questions for others", () => {
    const clusters = nearDuplicateClusters([
      { id: "a", text: "How many grams of salt are in 500 g of bread dough at 2 %?" },
      { id: "b", text: "how  many grams of SALT are in 500 g of bread dough, at 2 %" },
      { id: "c", text: "How many grams of salt are in 750 g of bread dough at 2 %?" },
      { id: "d", text: "At what time must a stew of three hours start for dinner at seven?" },
      { id: "e", text: "7+5" },
      { id: "f", text: "7-5" },
    ]);
    expect(Object.fromEntries(clusters)).toEqual({ a: "a", b: "a", c: "a", d: "d", e: "e", f: "f" });
  });

  it("takes thousands of texts of one template, and empty ones, in seconds", () => {
    const texts = Array.from({ length: 3000 }, (_, at) => ({
      id: String(at),
      text:
        at % 3 === 0 ? "" : `Order ${at * 7919}: ${WORDS[at % 19]} ${WORDS[(at * 7) % 19]} ${WORDS[(at * 11) % 19]}`,
    }));
    const start = performance.now();
    expect(nearDuplicateClusters(texts).size).toBe(3000);
    expect(performance.now() - start).toBeLessThan(10_000); // 0.5 s on two busy cores
  });
});

describe("holdOut", () => {
  it("never has a cluster on both sides, nor more than the share, whatever the order", () => {
    fc.assert(
      fc.property(corpus, fc.double({ min: 0.05, max: 0.95, noNaN: true }), fc.nat(99), (texts, share, seed) => {
        const cut = (items: typeof texts) => {
          try {
            return holdOut(items, { share, seed });
          } catch (error) {
            expect(error).toMatchObject({ code: "record-invalid" });
            return undefined;
          }
        };
        const found = cut(texts);
        if (found === undefined) return;
        for (const [id, cluster] of found.clusterOf) expect(found.heldOut.has(id)).toBe(found.heldOut.has(cluster));
        expect(found.heldOut.size).toBeLessThanOrEqual(Math.max(1, Math.round(texts.length * share)));
        expect(cut([...texts].reverse())?.heldOut).toEqual(found.heldOut);
      }),
      { numRuns: 60 },
    );
  });

  it("says why questions that are all the same cannot be cut", () => {
    const texts = ["a", "b", "c"].map((id) => ({ id, text: "How long does a stew of beef take?" }));
    expect(() => holdOut(texts, { share: 0.4, seed: 0 })).toThrow(
      /3 questions in 1 clusters.*the smallest cluster has 3/,
    );
  });
});
