import { describe, expect, it } from "vitest";
import type { Grade, GradeOutcome, Trace } from "../schema/records.ts";
import { faultOf, type QualityRules, S1_QUALITY, strictQuality } from "./quality.ts";

const TRACE: Trace = {
  schemaVersion: 1,
  id: "0123456789abcdef",
  questionId: "0123456789abcdef",
  provider: "p",
  model: "m",
  sampleIndex: 0,
  thinking: "We add 3 and 4 and that is 7.",
  answer: "7",
  provenance: "raw",
  finishReason: "stop",
  usage: { promptTokens: 0, completionTokens: 0, reasoningTokens: 0, isEstimated: false },
  costMicroUsd: 0,
};
const CHINESE = "首先我们把三和四相加，得到七。所以答案是 7";

describe("faultOf", () => {
  const strict = strictQuality({ requireCorrect: false, maxThinkingTokens: 1_000 });
  const fault = (extra: Partial<Trace>, rules: Partial<QualityRules>, grade?: Grade) =>
    faultOf(
      { ...TRACE, ...extra },
      {
        rules: { ...strict, ...rules },
        gradeOf: () => grade,
        thinkingTokensOf: ({ thinking }) => thinking.length,
        exampleTokensOf: ({ thinking, answer }) => 100 + thinking.length + answer.length,
      },
    );

  it("drops thinking in another language where one is asked for", () => {
    expect(fault({}, { language: "en" })).toBeNull();
    expect(fault({ thinking: CHINESE }, {})).toBeNull();
    expect(fault({ thinking: CHINESE }, { language: "en" })?.reason).toBe("wrong-language");
  });
  it("drops an example that the student's context does not hold, to the token", () => {
    expect(fault({}, { contextTokens: 130 })).toBeNull();
    expect(fault({}, { contextTokens: 129 })).toEqual({ reason: "exceeds-context", detail: "130 tokens, limit 129" });
  });
  it("takes the answer that was graded as the conclusion, and asks none of a program", () => {
    const answer = "So it is \\boxed{A-B-C}, as was to be shown.";
    const thinking = "A to B, B to C. The way is A-B-C then.";
    const graded = (extracted: string, rule: string): Grade => ({ outcome: "correct", extracted, rule });
    expect(fault({ thinking, answer }, {}, graded("A-B-C", "boxed/checked"))).toBeNull();
    expect(fault({ thinking, answer }, {}, graded("A-C", "boxed/checked"))?.reason).toBe("answer-not-concluded");
    const code = "def solve(numbers):\n    return sum(numbers)";
    expect(fault({ thinking, answer: code }, {}, graded(code, "code/block/defining/calls"))).toBeNull();
    expect(fault({ thinking, answer: code }, {})?.reason).toBe("answer-not-concluded");
  });
  it("drops a control token of any model, in thinking or answer", () => {
    expect(fault({ thinking: "so </think> 7" }, {})).toEqual({ reason: "control-text", detail: "</think>" });
    expect(fault({ answer: "7</s>" }, {})).toEqual({ reason: "control-text", detail: "</s>" });
  });
  it.each([
    ["correct", null],
    ["incorrect", null],
    ["no_answer", null],
    ["timeout", null],
    ["unscored", "ungraded"],
    ["gold_error", "ungraded"],
    [undefined, "ungraded"],
  ] as [GradeOutcome | undefined, string | null][])(
    "as s1 keeps what is graded, and nothing else: %s",
    (outcome, reason) => {
      const gradeOf = () => (outcome === undefined ? undefined : { outcome, extracted: null, rule: "test" });
      const found = faultOf(TRACE, { rules: S1_QUALITY, gradeOf, thinkingTokensOf: () => 1e6 });
      expect(found?.reason ?? null).toBe(reason);
    },
  );
});
