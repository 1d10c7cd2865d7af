import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import { majorityVote, voteCredit } from "./majority-vote.ts";

describe("majorityVote", () => {
  it.each([
    ["a plain majority", ["7", "8", "7"], { winners: ["7"], votes: 2, voters: 3 }, 1],
    ["a tie shares the point", ["8", "7"], { winners: ["7", "8"], votes: 1, voters: 2 }, 0.5],
    ["a three-way tie", ["9", "8", "7", null], { winners: ["7", "8", "9"], votes: 1, voters: 3 }, 1 / 3],
    ["no answer does not vote, even if most frequent", [null, null, "7"], { winners: ["7"], votes: 1, voters: 1 }, 1],
    ["a wrong majority", ["8", "8", "7"], { winners: ["8"], votes: 2, voters: 3 }, 0],
    ["nobody answered", [null, null], { winners: [], votes: 0, voters: 0 }, 0],
    ["no samples", [], { winners: [], votes: 0, voters: 0 }, 0],
  ] as const)("%s", (_, answers, vote, credit) => {
    expect(majorityVote(answers)).toEqual(vote);
    expect(voteCredit(majorityVote(answers), (answer) => answer === "7")).toBeCloseTo(credit, 12);
  });
  it("does not depend on the samples' order, and gives away one point in all", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.constantFrom("1", "2", "3", "4"))), fc.string(), (answers, key) => {
        const vote = majorityVote(answers);
        expect(majorityVote(prng(key).shuffle(answers))).toEqual(vote);
        const given = ["1", "2", "3", "4"].reduce(
          (sum, gold) => sum + voteCredit(vote, (answer) => answer === gold),
          0,
        );
        expect(given).toBeCloseTo(vote.voters === 0 ? 0 : 1, 12);
      }),
    );
  });
});
