import { describe, expect, it } from "vitest";
import { EvaluationHeader, EvaluationSample } from "../schema/evaluation.ts";
import { Completion } from "../schema/records.ts";
import { NATURAL, questionIdOf } from "../../test/report/evaluation-rows.ts";
import { sideOfEvaluation, sideOfRun } from "./compared-side.ts";

const digest = "c".repeat(64);

const header = EvaluationHeader.parse({
  schemaVersion: 1,
  id: "0123456789abcdef",
  task: {
    name: "aime24",
    version: "3",
    promptVersion: "1",
    profile: "aime",
    source: "aime24.jsonl",
    sha256: digest,
    questions: 30,
  },
  model: { kind: "chat", name: "m", digest: null },
  settings: [NATURAL],
  samplesPerQuestion: 2,
  seed: 0,
  temperature: 0.7,
  maxTokens: 4_096,
  answerTokens: null,
  graderVersion: "5",
  sandbox: null,
  grappaVersion: "0.1.0",
});

const sample = EvaluationSample.parse({
  schemaVersion: 1,
  questionId: questionIdOf(0),
  cluster: "variants of 7",
  setting: NATURAL,
  sampleIndex: 1,
  promptHash: digest,
  thinking: "",
  answer: "\\boxed{7}",
  promptTokens: 10,
  thinkingTokens: 900,
  completionTokens: 910,
  finishReason: "length",
  isThinkingCut: true,
  costMicroUsd: 12,
  verdict: {
    outcome: "incorrect",
    extracted: "7.0",
    canonical: "7",
    rule: "boxed",
    explanation: "",
    flexible: { outcome: "correct", extracted: "8" },
  },
  graderVersion: "6",
  sandbox: null,
});

const completion = Completion.parse({
  schemaVersion: 1,
  questionId: questionIdOf(1),
  model: "student",
  setting: NATURAL,
  sampleIndex: 0,
  thinking: "",
  answer: "Answer: 7",
  thinkingTokens: 40,
  answerTokens: 4,
  end: "cut",
  answerFinish: "length",
  grade: { outcome: "unscored", extracted: "7", rule: "integer" },
});

describe("sideOfEvaluation", () => {
  it("takes facts from the header, and the grader from the samples, which a rescoring may have changed", () => {
    const side = sideOfEvaluation("A", header, [sample]);
    expect(side).toMatchObject({
      label: "A",
      temperature: 0.7,
      facts: { task: "aime24", taskVersion: "3", dataSha256: digest, graderVersion: "6" },
    });
    expect(sideOfEvaluation("A", header, []).facts.graderVersion).toBe("5");
    const mixed = sideOfEvaluation("A", header, [sample, { ...sample, sampleIndex: 0, graderVersion: "5" }]);
    expect(mixed.facts.graderVersion).toBe("5 and 6");
  });

  it("votes by canonical answer, and keeps cluster, cost and how a sample ended", () => {
    expect(sideOfEvaluation("A", header, [sample]).rows).toEqual([
      {
        questionId: questionIdOf(0),
        cluster: "variants of 7",
        setting: NATURAL,
        sampleIndex: 1,
        outcome: "incorrect",
        flexibleOutcome: "correct",
        answerClass: "7",
        thinkingTokens: 900,
        spentTokens: 910,
        isTruncated: true,
        isThinkingCut: true,
        costMicroUsd: 12,
      },
    ]);
  });
});

describe("sideOfRun", () => {
  it("takes one model's completions, the student's unless said otherwise", () => {
    const base: Completion = { ...completion, model: "base" };
    const side = sideOfRun("run", [completion, base, base]);
    expect(side.rows).toEqual([
      {
        questionId: questionIdOf(1),
        cluster: questionIdOf(1),
        setting: NATURAL,
        sampleIndex: 0,
        outcome: "unscored",
        flexibleOutcome: null,
        answerClass: "7",
        thinkingTokens: 40,
        spentTokens: 44,
        isTruncated: true,
        isThinkingCut: true,
        costMicroUsd: 0,
      },
    ]);
    expect(side).toMatchObject({ temperature: 0, facts: { dataSha256: null, graderVersion: null } });
    expect(sideOfRun("run", [completion, base, base], "base").rows).toHaveLength(2);
  });
});
