import { describe, expect, it } from "vitest";
import { BUCKET_PERCENT, bucketOf, normaliseQuestion, questionId } from "./bucket.ts";
import { chainFamilies } from "./chain-families.ts";

describe("the split", () => {
  it("belongs to the normalised text", () => {
    expect(normaliseQuestion("  62 a+36\n\t b+27 ")).toBe("62 a+36 b+27");
    expect(normaliseQuestion("e\u0301")).toBe("\u00e9");
    expect(questionId(" 62  a+36 ")).toBe(questionId("62 a+36"));
    expect(bucketOf(" 62  a+36 ")).toBe(bucketOf("62 a+36"));
    expect(questionId("62 a+36")).not.toBe(questionId("62 a+37"));
  });

  it("is pinned: these must never move, or every trained base loses its held-out set", () => {
    const texts = ["62 a+36 b+27 c*5", "n=62;a:n+=36;puts(n)", "0 a+1", "What is 2+2?", "62 a+36", "x"];
    expect(texts.map(bucketOf)).toEqual(["test", "train", "train", "pretrain", "pretrain", "train"]);
  });

  it("has the stated shares", () => {
    const counts = { pretrain: 0, train: 0, tune: 0, test: 0 };
    const total = 20_000;
    for (let i = 0; i < total; i++) counts[bucketOf(`question ${i}`)]++;
    for (const [bucket, percent] of Object.entries(BUCKET_PERCENT)) {
      // Four standard deviations of a binomial share are below 1.4 percentage points.
      expect(Math.abs((100 * counts[bucket as keyof typeof counts]) / total - percent)).toBeLessThan(1.4);
    }
    expect(Object.values(BUCKET_PERCENT).reduce((sum, percent) => sum + percent, 0)).toBe(100);
  });

  it("gives one text the same bucket under every seed", () => {
    const seen = new Map<string, string>();
    let repeats = 0;
    for (const seed of [0, 1, 2]) {
      for (let i = 0; i < 3000; i++) {
        const question = chainFamilies.arithmetic.generate(i, { seed, difficulty: 1 });
        if (seen.has(question.text)) repeats++;
        expect(seen.get(question.text) ?? question.bucket).toBe(question.bucket);
        seen.set(question.text, question.bucket);
      }
    }
    expect(repeats).toBeGreaterThan(10);
  });
});
