import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerClass, compileGold, type GradeOptions, type GradeProfile, gradeAnswer } from "./grade-answer.ts";

function grade(gold: string, reply: string, profile: GradeProfile = "math", options: GradeOptions = {}) {
  const reading = compileGold(gold, profile, options);
  if (reading.status === "error") return { outcome: "gold_error", reason: reading.reason };
  return gradeAnswer(reading.gold, reply);
}
const outcome = (...args: Parameters<typeof grade>): string => grade(...args).outcome;

describe("gradeAnswer", () => {
  it("says what it found, what it is, and by which rules", () => {
    expect(grade("$\\frac12$", "so \\boxed{0.5}")).toEqual({
      outcome: "correct",
      extracted: "0.5",
      canonical: "1/2",
      rule: "boxed/value",
      explanation: "0.5 is 1/2 (boxed/value)",
      flexible: { outcome: "correct", extracted: "0.5" },
    });
  });

  it("reports where the two extractors disagree", () => {
    const verdict = grade("4", "The answer is \\boxed{4}, found in 3 steps, see page 17");
    expect(verdict).toMatchObject({ outcome: "correct", flexible: { outcome: "incorrect", extracted: "17" } });
  });

  it("does not trust doubles", () => {
    expect(outcome("$e^{\\pi\\sqrt{163}}$", "262537412640768744")).toBe("incorrect");
    expect(outcome("$1/2^{99}$", "$1/2^{98}$")).toBe("incorrect");
    expect(outcome("$10^{15}+\\sqrt2$", "$10^{15}+1$")).toBe("incorrect");
    expect(outcome("0", "$\\sqrt8-2\\sqrt2$")).toBe("correct");
  });

  it("compares decimals at the stated precision, and small ones by their digits unless it is stated", () => {
    expect(outcome("$\\frac13$", "0.333333")).toBe("correct");
    expect(outcome("$\\frac13$", "0.33333")).toBe("incorrect");
    expect(outcome("$\\frac13$", "0.33", "math", { precision: 2 })).toBe("correct");
    expect(outcome("0.000000001", "0.000000002")).toBe("incorrect");
    expect(outcome("0.000000001", "0.000000002", "math", { precision: 6 })).toBe("correct");
  });

  it("minds the names of variables unless told otherwise", () => {
    expect(outcome("$x+2y$", "$a+2b$")).toBe("incorrect");
    expect(outcome("$x+2y$", "$a+2b$", "math", { strict: false })).toBe("correct");
    expect(outcome("$\\{1,2\\}$", "$(1,2)$")).toBe("incorrect");
    expect(outcome("$\\{1,2\\}$", "$(1,2)$", "math", { strict: false })).toBe("correct");
  });

  it("lets an inequality answer a set only where asked to", () => {
    expect(outcome("$1<x<3$", "$(1,3)$")).toBe("correct");
    expect(outcome("$(1,3)$", "$1<x<3$")).toBe("incorrect");
    expect(outcome("$x \\in (1,3)$", "$1<x<3$")).toBe("incorrect");
    expect(outcome("$1<x<3$", "$x \\in (1,3)$")).toBe("correct");
    expect(outcome("$x \\in (1,3)$", "$1<x<3$", "math", { allowSetRelationComparison: true })).toBe("correct");
    expect(outcome("$(1,3)$", "$1<x<3$", "math", { allowSetRelationComparison: true })).toBe("correct");
  });

  it("looks only where the targets say", () => {
    expect(outcome("4", "it is $4$", "math", { targets: ["latex"] })).toBe("gold_error");
    expect(outcome("$4$", "it is 4", "math", { targets: ["latex"] })).toBe("no_answer");
    expect(outcome("$4$", "it is $4$", "math", { targets: ["latex"] })).toBe("correct");
  });

  it.each([
    ["", "no_answer"],
    ["I do not know.", "no_answer"],
    ["\\boxed{\\frac{}", "answer_parse_error"],
    [`\\boxed{${"9".repeat(300)}}`, "answer_limit"],
    [`\\boxed{${"1+".repeat(3000)}1}`, "answer_limit"],
    ["4".repeat(1_048_577), "answer_limit"],
  ])("%# has an outcome of its own", (reply, expected) => expect(outcome("4", reply)).toBe(expected));
});

describe("profiles", () => {
  it.each([
    ["73", "073", "correct"],
    ["073", "\\boxed{73}", "correct"],
    ["73", "\\boxed{x = 73}", "correct"],
    ["73", "\\boxed{73^\\circ}", "correct"],
    ["73", "\\boxed{73\\%}", "incorrect"],
    ["73", "\\boxed{146/2}", "incorrect"],
    ["73", "\\boxed{73.5}", "incorrect"],
    ["73", "\\boxed{1073}", "incorrect"],
    ["1000", "1000", "gold_error"],
    ["1/2", "1/2", "gold_error"],
  ])("aime: %s by %s is %s", (gold, reply, expected) => expect(outcome(gold, reply, "aime")).toBe(expected));

  it.each([
    ["She pays 3*$24 = <<3*24=72>>72.\n#### 72", "It is $72.00", "correct"],
    ["#### 1,234", "#### 1234", "correct"],
    ["#### 72", "first 72, then 73", "incorrect"],
    ["#### many", "many", "gold_error"],
  ])("gsm8k: %s by %s is %s", (gold, reply, expected) => expect(outcome(gold, reply, "gsm8k")).toBe(expected));

  it.each([
    ["B", "The answer is (B).", "correct"],
    ["B", "**Answer:** B) 42 cm", "correct"],
    ["\\text{(B)}", "\\boxed{b}", "correct"],
    ["B", "It is C, not B", "correct"],
    ["B", "I would take C", "incorrect"],
    ["B", "no idea", "no_answer"],
    ["42", "B", "gold_error"],
  ])("mcq: %s by %s is %s", (gold, reply, expected) => expect(outcome(gold, reply, "mcq")).toBe(expected));

  it("exact: the same text, whatever stands around it", () => {
    expect(outcome("a b", "<think>x</think> a b\n", "exact")).toBe("correct");
    expect(outcome("a b", "a  b", "exact")).toBe("incorrect");
  });
});

describe("compileGold", () => {
  it.each(["", " ", "???", "\\frac{1}{", "9".repeat(300)])("refuses %j", (text) =>
    expect(compileGold(text).status).toBe("error"),
  );
  it("finds the answer of a whole solution", () => {
    const reading = compileGold("Since $2+2=4$ we have $x = \\boxed{4}$ as wanted.");
    expect(reading).toMatchObject({ status: "ok", gold: { canonical: "4" } });
  });
});

describe("answerClass", () => {
  it.each([
    ["$\\frac12$", "0.5", "\\boxed{\\frac{2}{4}}", "$x = \\frac12$"],
    ["$2\\sqrt2$", "$\\sqrt8$", "$\\frac{4}{\\sqrt2}$"],
    ["$\\{1,2\\}$", "2 and 1", "$x=1$ or $x=2$"],
    ["$(x+1)^2$", "$x^2+2x+1$"],
    ["$1\\pm\\sqrt2$", "$1+\\sqrt2, 1-\\sqrt2$"],
    ["Evelyn", "\\text{evelyn}."],
  ])("is one for %s and its like", (...answers) => {
    expect(new Set(answers.map((answer) => answerClass(answer))).size).toBe(1);
    expect(answerClass(answers[0])).not.toBeNull();
  });
  it.each([
    ["$x=1,y=2$", "$x=2,y=1$"],
    ["$(1,2)$", "$(2,1)$"],
    ["$[0,1]$", "$[0,1)$"],
    ["$x$", "$y$"],
    ["3", "-3"],
  ])("parts %s from %s", (a, b) => expect(answerClass(a)).not.toBe(answerClass(b)));
  it("is null where there is no answer", () => expect(answerClass("")).toBeNull());
  it("is the same for every way to write a fraction", () => {
    const whole = fc.integer({ min: -999, max: 999 });
    fc.assert(
      fc.property(whole, fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9 }), (top, bottom, factor) => {
        const plain = answerClass(`$\\frac{${top}}{${bottom}}$`);
        expect(answerClass(`\\boxed{${top * factor}/${bottom * factor}}`)).toBe(plain);
        expect(answerClass(`The answer is $x = \\dfrac{${-top}}{${-bottom}}$.`)).toBe(plain);
      }),
    );
  });
});
