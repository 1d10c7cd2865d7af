import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Completion } from "../schema/records.ts";
import { majorityReplies, votesAtEqualTokens } from "./majority-replies.ts";

const sample = (questionId: string, sampleIndex: number, extracted: string | null, right = "7"): Completion => ({
  schemaVersion: 1,
  questionId,
  model: "student",
  setting: { mode: "think", budgetTokens: 512, waits: 0, temperature: 0.5 },
  sampleIndex,
  thinking: "",
  answer: extracted ?? "",
  thinkingTokens: 10,
  answerTokens: 2,
  end: "natural",
  answerFinish: "stop",
  grade: {
    outcome: extracted === null ? "no_answer" : extracted === right ? "correct" : "incorrect",
    extracted,
    rule: "t",
  },
});
const vote = (...answers: (string | null)[]) =>
  majorityReplies(
    answers.map((answer, index) => sample("q", index, answer)),
    answers.length,
  )[0];

describe("majorityReplies", () => {
  it("takes the answer with the most votes, and the tokens of all samples", () => {
    expect(vote("1", "7", "7")).toMatchObject({
      sampleIndex: 0,
      thinkingTokens: 30,
      answerTokens: 6,
      grade: { outcome: "correct", extracted: "7" },
    });
  });

  it("draws between equal votes, whoever came first", () => {
    const draws = Array.from({ length: 400 }, (_, n) => {
      const samples = ["1", "7"].map((answer, index) => sample(`q${n}`, index, answer));
      return majorityReplies(samples, 2)[0]?.grade.extracted;
    });
    const firsts = draws.filter((answer) => answer === "1").length;
    // Binomial(400, 1/2): beyond 5 standard deviations of 10 once in two million.
    expect(firsts).toBeGreaterThan(150);
    expect(firsts).toBeLessThan(250);
  });

  it("lets no answer not vote", () => {
    expect(vote(null, null, "7")?.grade.extracted).toBe("7");
    expect(vote(null, null)?.grade.outcome).toBe("no_answer");
  });

  it("counts the first samples only, and leaves out a question that has too few", () => {
    const samples = [
      ...["1", "1", "7", "7", "7"].map((answer, index) => sample("a", index, answer)),
      sample("b", 0, "7"),
    ];
    expect(majorityReplies(samples, 2).map(({ questionId, grade }) => [questionId, grade.extracted])).toEqual([
      ["a", "1"],
    ]);
  });

  it("does not depend on the order of the rows", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("1", "2", "7", null), { minLength: 1, maxLength: 7 }), (answers) => {
        const samples = answers.map((answer, index) => sample("q", index, answer));
        const votes = samples.length;
        expect(majorityReplies([...samples].reverse(), votes)).toEqual(majorityReplies(samples, votes));
      }),
    );
  });
});

describe("votesAtEqualTokens", () => {
  it.each([
    [179, 353, 2],
    [179, 358, 2],
    [179, 359, 3],
    [300, 200, 1],
    [0, 200, 1],
  ])("samples of %d tokens for %d: %d", (each, tokens, votes) => {
    expect(votesAtEqualTokens(each, tokens)).toBe(votes);
  });
});
