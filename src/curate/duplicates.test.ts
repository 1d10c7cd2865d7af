import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import { questionId } from "../questions/bucket.ts";
import type { Question } from "../schema/records.ts";
import { dropNearDuplicates } from "./duplicates.ts";

function question(text: string, answer: string | null = "1"): Question {
  const rest = { family: "file", domain: "d", difficulty: 1, bucket: "train", metadata: {} } as const;
  return { schemaVersion: 1, id: questionId(text), text, answer, ...rest };
}

const OVEN =
  "The oven bakes a loaf of bread in 40 minutes. How many loaves does it bake in 8 hours, one after another?";
const near = [OVEN, OVEN.replace("loaf of bread", "loaf"), `${OVEN} Explain.`, OVEN.replace("The", "An")];
const texts = fc
  .array(fc.tuple(fc.constantFrom(...near, "What is 2 + 2?", "", "\ud800", "x"), fc.boolean()), { maxLength: 9 })
  .map((rows) => new Map(rows.map(([text, isAnswered]) => [text, isAnswered ? "1" : null])))
  .map((rows) => [...rows].map(([text, answer]) => question(text, answer)));

describe("dropNearDuplicates", () => {
  it("keeps one of a cluster, says which, and how alike the others are", () => {
    const rows = [...near.map((text) => question(text)), question("What is 2 + 2?")];
    const { kept, dropped, clusters, crowded } = dropNearDuplicates(rows, 0.7);
    const first = near.map(questionId).sort()[0] as string;
    expect(kept.map(({ id }) => id)).toEqual([first, questionId("What is 2 + 2?")].sort());
    expect(clusters).toHaveLength(1);
    expect(clusters[0]?.representative).toBe(first);
    expect(clusters[0]?.members.map(({ id }) => id)).toEqual(dropped.map(({ id }) => id));
    for (const { stage, reason, detail } of dropped)
      expect([stage, reason, detail.slice(0, 25)]).toEqual(["duplicates", "near-duplicate", `${first}, Jaccard`]);
    expect(crowded).toBe(0);
  });
  it("prefers a question with a reference answer", () => {
    for (const answered of near) {
      const { kept } = dropNearDuplicates(
        near.map((text) => question(text, text === answered ? "96" : null)),
        0.7,
      );
      expect(kept.map(({ text }) => text)).toEqual([answered]);
    }
  });
  it("gives the same rows for any order, adds up, and drops nothing when run again", () => {
    fc.assert(
      fc.property(texts, fc.string(), (rows, key) => {
        const result = dropNearDuplicates(rows, 0.7);
        expect(dropNearDuplicates(prng(key).shuffle(rows), 0.7)).toEqual(result);
        expect(result.kept.length + result.dropped.length).toBe(rows.length);
        expect(dropNearDuplicates(result.kept, 0.7)).toEqual({
          kept: result.kept,
          dropped: [],
          clusters: [],
          crowded: 0,
        });
        expect(result.clusters.flatMap(({ members }) => members.map(({ id }) => id)).sort()).toEqual(
          result.dropped.map(({ id }) => id).sort(),
        );
      }),
    );
  });
});
