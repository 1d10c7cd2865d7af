import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import { isWordSpace, RunIndex, WordRuns } from "./word-runs.ts";

/** What Python's `str.isspace` says yes to (3.11: `[c for c in range(0x110000) if chr(c).isspace()]`). */
const PYTHON_SPACES = [
  0x9, 0xa, 0xb, 0xc, 0xd, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
  0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
];

/** Runs as s1 makes them: strings. */
function runsOf(text: string, n: number): string[] {
  const spaces = new RegExp(`[${PYTHON_SPACES.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")}]+`);
  const words = text.toLowerCase().split(spaces).filter(Boolean);
  return words.slice(0, Math.max(0, words.length - n + 1)).map((_, at) => words.slice(at, at + n).join(" "));
}

function read(text: string, n: number): WordRuns {
  const runs = new WordRuns(n);
  runs.read(text);
  return runs;
}

const word = fc.constantFrom("a", "B", "ab", "É", "ﬁ", "\ud800", "\udc00", "😀", "ΣΑΣ", "İ", "x".repeat(300));
const space = fc.constantFrom(" ", "\n", "\u00a0", "\u3000", "\u001c  ", "\t");
const text = fc
  .array(fc.tuple(word, space), { maxLength: 12 })
  .map((parts) => parts.flat().join(""))
  .chain((inner) => fc.constantFrom(inner, `  ${inner}`, inner.trim()));

describe("isWordSpace", () => {
  it("is Python's white space, which takes in separators that JavaScript's does not, and not the mark of byte order", () => {
    const spaces = Array.from({ length: 0x10000 }, (_, unit) => unit).filter(isWordSpace);
    expect(spaces).toEqual(PYTHON_SPACES);
  });
});

describe("RunIndex", () => {
  it("shares what the definition shares, and nothing else, in any script", () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), text, fc.integer({ min: 1, max: 4 }), (pool, asked, n) => {
        const index = new RunIndex(n);
        for (const one of pool) index.add(read(one, n));
        const own = runsOf(asked, n);
        const first = own.findIndex((run) => pool.some((one) => runsOf(one, n).includes(run)));
        const question = read(asked, n);
        const hit = index.firstShared(question);
        expect([question.runs, hit?.word ?? -1]).toEqual([own.length, first]);
        if (hit === undefined) return;
        const owners = pool.flatMap((one, at) => (runsOf(one, n).includes(own[first] as string) ? [at] : []));
        expect([hit.owner, index.ownersOf(hit.run)]).toEqual([owners[0], owners]);
        expect(index.sharedText(question, hit, n)).toBe(own[first]);
      }),
      { numRuns: 300 },
    );
  });
  it("tells runs with one hash apart", () => {
    const [one, other] = ["k4uzx", "kf2ad"]; // found by search: their 32-bit hashes are the same
    const index = new RunIndex(2);
    index.add(read(`${one} end`, 2));
    const question = read(`${other} end`, 2);
    expect(question.hashes[0]).toBe(read(`${one} end`, 2).hashes[0]);
    expect(index.firstShared(question)).toBeUndefined();
    index.add(question);
    expect([index.runCount, index.firstShared(question)?.owner]).toEqual([2, 1]);
  });
  it("finds every planted run among 200,000 different ones", () => {
    const random = prng("word-runs/planted");
    const sentence = () => Array.from({ length: 50 }, () => `w${random.int(0, 9_999)}`);
    const index = new RunIndex();
    const pool = Array.from({ length: 5_000 }, sentence);
    for (const words of pool) index.add(read(words.join(" "), 8));
    expect(index.runCount).toBe(215_000);
    for (let at = 0; at < pool.length; at += 7) {
      const from = random.int(0, 42);
      const planted = (pool[at] as string[]).slice(from, from + 8);
      const asked = read([...sentence(), ...planted, ...sentence()].join("  "), 8);
      const hit = index.firstShared(asked);
      expect(hit?.owner).toBe(at);
      if (hit !== undefined) expect(index.sharedText(asked, hit)).toBe(planted.join(" "));
    }
    expect(index.firstShared(read(sentence().join(" "), 8))).toBeUndefined();
  });
  it("takes in what has no words, one word, a megabyte of one word, and lone surrogates", () => {
    const index = new RunIndex();
    const texts = ["", " \n ", "one", "same ".repeat(200_000), "\ud800 ".repeat(9), "é".repeat(1_000_000)];
    expect(texts.map((one) => index.add(read(one, 8)))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(index.runCount).toBe(2);
    expect(index.firstShared(read("Same same SAME same same same same same", 8))?.owner).toBe(3);
    expect(index.firstShared(read("\ud800 ".repeat(8), 8))?.owner).toBe(4);
    expect(index.firstShared(read("\udc00 ".repeat(8), 8))).toBeUndefined();
  });
  it("reads a text whose bytes just do not fit as what it is", () => {
    const words = `${"a ".repeat(255)}é b`; // 513 units are 514 bytes; and one that fills the array but for a byte
    for (const asked of [words, `${"a ".repeat(254)}bcé`]) expect(read(asked, 1).words).toBe(asked.split(" ").length);
    expect(read(`${"a ".repeat(254)}bcé`, 1).hashes.at(0)).toBe(read("a", 1).hashes[0]);
  });
});
