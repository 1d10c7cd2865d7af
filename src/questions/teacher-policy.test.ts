import { describe, expect, it } from "vitest";
import { collectQuestions } from "./collect-questions.ts";
import { chainFamilies } from "./chain-families.ts";
import { parseLine } from "./steps.ts";
import { reasonAbout, type TeacherPolicy } from "./teacher-policy.ts";

const policy: TeacherPolicy = { slipRate: 0.25, checkOnceShare: 0.3, checkTwiceShare: 0.2, seed: 0 };
const questions = (["arithmetic", "program"] as const).flatMap((name) =>
  collectQuestions({ family: chainFamilies[name], count: 2000, difficulty: [3, 5], bucket: "train", seed: 0 }),
);
const traces = questions.map((question) => {
  const reasoning = reasonAbout(question, policy);
  if (reasoning === null) throw new Error(question.text);
  return { question, reasoning, passes: reasoning.thinking.split("\nWait\n").map((pass) => pass.split("\n")) };
});

describe("the built-in teacher", () => {
  it("slips and checks as often as it was told to", () => {
    const share = (holds: (trace: (typeof traces)[number]) => boolean) => traces.filter(holds).length / traces.length;
    // Four standard deviations at n = 4000 are below 0.03.
    expect(Math.abs(share(({ reasoning }) => reasoning.hadSlip) - 0.25)).toBeLessThan(0.03);
    expect(Math.abs(share(({ reasoning }) => reasoning.checks === 1) - 0.3)).toBeLessThan(0.03);
    expect(Math.abs(share(({ reasoning }) => reasoning.checks === 2) - 0.2)).toBeLessThan(0.03);
    const slippedAndChecked = share(({ reasoning }) => reasoning.hadSlip && reasoning.checks > 0);
    expect(Math.abs(slippedAndChecked - 0.125)).toBeLessThan(0.025);
  });

  it("is wrong exactly when it slipped and did not check", () => {
    for (const { question, reasoning } of traces) {
      const isRight = chainFamilies[question.family as "arithmetic" | "program"].verify(
        question.text,
        reasoning.answer,
      );
      expect(isRight).toBe(!reasoning.hadSlip || reasoning.checks > 0);
    }
  });

  it("writes a chain a pass: keys of the question, each left operand the last result, one wrong line at most", () => {
    for (const { question, reasoning, passes } of traces) {
      const problem = chainFamilies[question.family as "arithmetic" | "program"].parse(question.text);
      expect(passes).toHaveLength(1 + reasoning.checks);
      for (const [i, pass] of passes.entries()) {
        expect(pass[0]).toBe(String(problem?.start));
        const lines = pass.slice(1).map(parseLine);
        expect(lines.map((line) => line?.step.item)).toEqual(problem?.steps.map((step) => step.item));
        expect(new Set(lines.map((line) => line?.style))).toEqual(new Set([i === 0 ? "quick" : "careful"]));
        expect(lines.map((line) => line?.left)).toEqual([
          problem?.start,
          ...lines.slice(0, -1).map((line) => line?.result),
        ]);
        expect(lines.filter((line) => line?.isRight !== true)).toHaveLength(i === 0 && reasoning.hadSlip ? 1 : 0);
      }
      expect(parseLine(passes.at(-1)?.at(-1) ?? "")?.result).toBe(Number(reasoning.answer));
    }
  });

  it("slips in varied places and on the parity branch too", () => {
    const slips = traces
      .filter(({ reasoning }) => reasoning.hadSlip)
      .map(({ passes }) => (passes[0] ?? []).slice(1).findIndex((line) => !parseLine(line)?.isRight));
    expect(new Set(slips)).toEqual(new Set([0, 1, 2, 3, 4]));
    const wrongBranch = traces.filter(({ passes }) =>
      passes[0]?.some((text) => {
        const line = parseLine(text);
        return line?.step.isConditional === true && !line.isRight && text.endsWith(` ${line.left}=${line.left}`);
      }),
    );
    expect(wrongBranch.length).toBeGreaterThan(5);
  });

  it("depends on seed and question alone", () => {
    const again = [...questions]
      .reverse()
      .map((question) => reasonAbout(question, policy))
      .reverse();
    expect(again).toEqual(traces.map(({ reasoning }) => reasoning));
    const other = questions.map((question) => reasonAbout(question, { ...policy, seed: 1 })?.thinking);
    expect(other.filter((thinking, i) => thinking !== traces[i]?.reasoning.thinking).length).toBeGreaterThan(1000);
  });

  it("stays within 200 bytes of thinking on average", () => {
    const mean = traces.reduce((sum, { reasoning }) => sum + reasoning.thinking.length, 0) / traces.length;
    expect(mean).toBeLessThan(200);
    expect(mean).toBeGreaterThan(150);
  });

  it("declines what it does not know", () => {
    expect(reasonAbout({ id: "0".repeat(16), text: "What is the capital of France?" }, policy)).toBeNull();
  });
});
