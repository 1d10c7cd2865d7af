import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findOverlap } from "./text-overlap.ts";

const text = (id: string, words: string) => ({ id, text: words });
const EIGHT = "one two three four five six seven eight";

describe("findOverlap", () => {
  it("finds a shared run of eight words, whatever the case and the white space, and not one of seven", () => {
    const found = findOverlap(
      [text("a", `What is ${EIGHT}?`), text("b", "zero one two three four five six seven nine")],
      [text("x", `before  ONE two\nthree four five six seven eight? after`)],
    );
    expect(found).toEqual({ ngram: 8, questions: 2, examples: 1, sameId: [], sharedText: ["a"], tooShort: 0 });
  });
  it("takes punctuation for part of a word, as s1 does", () => {
    expect(findOverlap([text("a", EIGHT)], [text("x", `${EIGHT}.`)]).sharedText).toEqual([]);
  });
  it("names a question with a training question's id once, as that", () => {
    const found = findOverlap([text("a", EIGHT), text("b", EIGHT)], [text("a", EIGHT)]);
    expect(found).toMatchObject({ sameId: ["a"], sharedText: ["b"] });
  });
  it("says how many questions are too short to share a run", () => {
    const found = findOverlap([text("a", "2 + 2 = ?"), text("b", "")], [text("x", "2 + 2 = ?"), text("b", "")]);
    expect(found).toMatchObject({ sameId: ["b"], sharedText: [], tooShort: 2 });
  });
  it("agrees with the definition", () => {
    const words = fc.array(fc.constantFrom("p", "q"), { maxLength: 9 });
    fc.assert(
      fc.property(words, words, fc.integer({ min: 1, max: 4 }), (question, training, n) => {
        const runs = (of: readonly string[]) =>
          of.slice(0, Math.max(0, of.length - n + 1)).map((_, start) => of.slice(start, start + n).join(" "));
        const isShared = runs(question).some((run) => runs(training).includes(run));
        const found = findOverlap([text("a", question.join(" "))], [text("x", training.join(" "))], n);
        expect(found.sharedText).toEqual(isShared ? ["a"] : []);
      }),
    );
  });
});
