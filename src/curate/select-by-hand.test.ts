import fc from "fast-check";
import { expect, test } from "vitest";
import type { Candidate } from "./candidate.ts";
import { selectWithKept } from "./select-by-hand.ts";
import { selectExamples } from "./select.ts";

const candidateAt = (place: number): Candidate => ({
  questionId: `q${place >> 1}`,
  traceId: `t${String(place).padStart(3, "0")}`,
  domain: `d${place % 3}`,
  source: "s",
  isCorrect: true,
  thinkingTokens: 100 + place,
});
const POOL = Array.from({ length: 60 }, (_, place) => candidateAt(place));
const options = (count: number, method: "random" | "s1" | "longest" | "diverse" | "all") =>
  ({ count, method, seed: 3, seeds: "none", shape: "uniform", redrawSeeds: false }) as unknown as Parameters<
    typeof selectExamples
  >[1];

test("nothing kept: the selection as it is without triage", () => {
  expect(selectWithKept(POOL, new Set(["elsewhere"]), options(10, "random"))).toEqual(
    selectExamples(POOL, options(10, "random")),
  );
});

test("every kept trace is in, every row is in one of the two, and the count holds where it can", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(59), { minLength: 1, maxLength: 25 }),
      fc.constantFrom("random" as const, "longest" as const, "diverse" as const, "all" as const),
      fc.integer({ min: 1, max: 20 }),
      (places, method, count) => {
        const wanted = new Set(places.map((place) => candidateAt(place).traceId));
        const { kept, dropped } = selectWithKept(POOL, wanted, options(count, method));
        const byHand = kept.filter(({ reason }) => reason === "by-hand").map(({ traceId }) => traceId);
        expect(byHand).toEqual([...wanted].sort());
        expect(kept.map(({ rank }) => rank)).toEqual(kept.map((_, rank) => rank));
        const ids = [...kept.map(({ traceId }) => traceId), ...dropped.map(({ id }) => id)];
        expect(ids.sort()).toEqual(POOL.map(({ traceId }) => traceId));
        if (method !== "all") expect(kept).toHaveLength(Math.max(count, wanted.size));
        const drawn = kept.filter(({ reason }) => reason !== "by-hand").map(({ questionId }) => questionId);
        const questions = new Set(kept.slice(0, wanted.size).map(({ questionId }) => questionId));
        expect(drawn.filter((id) => questions.has(id))).toEqual([]);
      },
    ),
  );
});
