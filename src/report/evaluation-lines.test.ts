import { describe, expect, it } from "vitest";
import { NATURAL, rowsOf, sideOf } from "../../test/report/evaluation-rows.ts";
import { compareEvaluations } from "../evaluate/compare-evaluations.ts";
import { summariseEvaluation } from "../evaluate/evaluation-summary.ts";
import { publishedFor } from "../evaluate/published/published-for.ts";
import { comparisonLines } from "./comparison-lines.ts";
import { evaluationLines } from "./evaluation-lines.ts";

const heading = (name: string, samplesPerQuestion: number) => ({
  task: { name, version: "1", questions: 10 },
  model: { name: "my-student" },
  samplesPerQuestion,
});
const cap = { ...NATURAL, budgetTokens: 500 };
const questions = ["++++", "+++a", "++aa", "aaaa", "abc0", "++++", "bbbb", "+bbb", "00aa", "++a0"];
const rows = [
  ...rowsOf(
    questions.map((letters) => letters.replace(/\+\+\+/g, "abc")),
    { setting: cap, thinkingTokens: 480, isTruncated: true },
  ),
  ...rowsOf(questions, { thinkingTokens: 2_210, flexibleOutcome: "correct" }),
];

describe("evaluationLines", () => {
  it("prints accuracy, failures, votes, s1's measures and others' figures, within 80 columns", () => {
    const lines = evaluationLines(summariseEvaluation(rows, { key: "k" }), heading("aime25", 4), {
      published: publishedFor("aime25").slice(0, 4),
      speed: null,
    });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "  my-student on aime25 (1): 10 questions, 4 samples each.

        setting                                        right 95 % interval  tokens
        cut at 500                  ██▊               17.5 %    7.0–37.3 %     480
        natural end                 ██████▍           40.0 %   17.1–68.4 %   2,210

        of all samples          cut silent unread  limit   slow      completed, right
        cut at 500            100.0   10.0    0.0    0.0    0.0                     –
        natural end             0.0   10.0    0.0    0.0    0.0      41.7 % (18–70 %)
        In percent. cut: by the token limit. silent: no answer. unread: the answer
        could not be parsed. limit: too large to grade. slow: code ran too long.
        completed: samples that ended by themselves with an answer.

        spent on a question        n  tokens   right 95 % interval
        cut at 500                 1     120  17.5 %    7.0–37.3 %
        natural end                1     120  40.0 %   17.1–68.4 %
        vote of 2                  2     240  41.7 %   18.0–69.9 %
        shortest of 2              2     240  41.7 %   18.0–69.9 %
        bound: any of 2            2     240  51.7 %   23.2–79.1 %
        vote of 4                  4     480  45.0 %   17.7–75.7 %
        shortest of 4              4     480  41.7 %   15.7–73.3 %
        bound: any of 4            4     480  60.0 %   31.3–83.2 %
        n: samples. tokens: thinking, answers and what was thrown away, of all n.
        vote: the most frequent answer. shortest: best of n by the shortest thinking
        that gave an answer. bound: pass@k, if an oracle chose.

        s1's three measures over 2 settings. Scaling: +10.2 points for each doubling
        of thinking tokens (95 % interval 0.0 to +20.4). Control: 100 % of settings
        within their budget. Performance: 40.0 %, the best of them.
        The two extractors disagree on up to 60.0 % of samples: read some of them
        before trusting a small difference.

        published by others                                       right  interval
        o3-mini, high effort                   █████████████     80.9 %   64–91 %
        o3-mini, medium effort                 ███████████▎      70.4 %   53–84 %
        DeepSeek r1                            ███████████▎      70.0 %   52–83 %
        DeepSeek r1-distill-Llama-70B          █████████         56.3 %   39–72 %
        > this model, measured here            ██████▍           40.0 %   17–68 %
        Published, not measured here: s1: Simple test-time scaling (arXiv
        2501.19393v3), as of 2025-03-01. It prints no intervals; those beside its
        figures are ours, Wilson's from n = 30. Prompts, budgets and graders differ."
    `);
  });

  it("shows of many published rows the best, s1's and the nearest, beside the natural end however it was sampled", () => {
    const sampled = [cap, NATURAL].flatMap((setting, at) =>
      rowsOf(at === 0 ? ["a", "a"] : ["+", "+"], { setting: { ...setting, temperature: 0.7 } }),
    );
    const published = publishedFor("math500");
    const lines = evaluationLines(summariseEvaluation(sampled, { key: "k" }), heading("math500", 1), {
      published,
      speed: null,
    });
    const table = lines.slice(lines.findIndex((line) => line.includes("published by others")));
    expect(table.map((line) => line.slice(0, 40).trim())).toEqual([
      "published by others",
      "> this model, measured here",
      "o3-mini, high effort",
      "DeepSeek r1",
      "o3-mini, medium effort",
      "s1-32B, end refused twice",
      "s1-32B, without budget forcing",
      expect.stringContaining("Published, not measured here"),
      expect.any(String),
      expect.any(String),
      expect.any(String),
    ]);
    expect(lines.join(" ").replace(/\s+/g, " ")).toContain(`${published.length - 5} rows further off: --json.`);
  });

  it("lets no control character through, and stands with nothing to say", () => {
    const lines = evaluationLines(summariseEvaluation([], { key: "k" }), heading("\u001b[31mred", 1), {
      published: [],
      speed: null,
    });
    expect(lines.join("\n")).not.toContain("\u001b");
    expect(lines[0]).toContain("one sample each");
  });
});

describe("comparisonLines", () => {
  it("prints a line and a sentence a setting, and every caution, within 80 columns", () => {
    const better = rows.map((row, i) => (i % 9 === 0 ? { ...row, outcome: "correct" as const } : row));
    const contamination = { ngram: 8, questions: 10, examples: 1_000, sameId: [], sharedText: [], tooShort: 1 };
    const lone = rowsOf(["+"], { setting: { ...NATURAL, waits: 1 } });
    const outcome = compareEvaluations(sideOf("s1-base", rows), sideOf("s1-new", [...better, ...lone]), {
      key: "k",
      contamination,
    });
    if (outcome.kind === "refused") throw new Error("refused");
    const lines = comparisonLines(outcome.comparison);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "  s1-new against s1-base on aime24, paired by question.

        setting               s1-base    s1-new  points   95 % interval        p finds
        cut at 500             17.5 %    25.0 %    +7.5   −3.9 to +18.3     0.50  15.2
        natural end            40.0 %    45.0 %    +5.0   −7.3 to +16.6     0.50  16.4
        p: sign-flip permutation, Holm-adjusted. finds: the difference in points that
        would be found four times in five.

        Cut at 500: s1-new is 7.5 points above s1-base (95 % interval −3.9 to +18.3;
        p = 0.50 after Holm's correction for 2 comparisons): not distinguishable at 10
        questions; about 72 more seeds would settle it.
        Natural end: s1-new is 5.0 points above s1-base (95 % interval −7.3 to +16.6;
        p = 0.50 after Holm's correction for 2 comparisons): not distinguishable at 10
        questions; about 137 more seeds would settle it.

        Settings without a counterpart are left out: 1 of s1-new.

        Contamination: none found, 10 test questions against 1,000 training texts,
        runs of 8 words. Too short for such a run, so only ids were checked: 1 of the
        questions."
    `);
  });
});
