import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gradeInteger } from "./exact.ts";
import { extractAnswer, MAX_ANSWER_LENGTH, MAX_REPLY_LENGTH } from "./extract-answer.ts";
import { canonicalInteger } from "./integer-answer.ts";

const is98 = (_: string, answer: string) => answer === "98";
const grade = (reply: string) => gradeInteger("62 a+36", reply, is98);

describe("gradeInteger", () => {
  it.each([
    ["a bare integer", "98", "correct", "98", "bare-integer/integer"],
    ["a bare integer with space around it", "\n 98 \n", "correct", "98", "bare-integer/integer"],
    ["a bare integer in full-width digits", "９８", "correct", "98", "bare-integer/integer"],
    ["a bare wrong integer", "99", "incorrect", "99", "bare-integer/integer"],
    ["an answer line", "Answer: 98", "correct", "98", "answer-line/integer"],
    ["a forced answer line", "\nFinal Answer: 98", "correct", "98", "answer-line/integer"],
    ["any case, any spacing", "FINAL ANSWER :98", "correct", "98", "answer-line/integer"],
    ["a bold label", "**Answer:** 98", "correct", "98", "answer-line/integer"],
    ["the last answer line counts", "Answer: 98\nno, wait\nAnswer: 97", "incorrect", "97", "answer-line/integer"],
    [
      "text behind the answer's line is no answer",
      "Answer: 98\nThat is 7 more.",
      "correct",
      "98",
      "answer-line/integer",
    ],
    ["the answer on the next line", "Answer:\n98", "correct", "98", "answer-line/integer"],
    [
      "a label behind a label, as a model writes one after a forced one",
      "Final Answer: Answer: 98",
      "correct",
      "98",
      "answer-line/integer",
    ],
    ["leading zeros", "Answer: 098", "correct", "98", "answer-line/integer"],
    ["boxed maths", "Answer: $\\boxed{98}$.", "correct", "98", "answer-line/integer"],
    [
      "only what follows the heading counts",
      "Answer: 98<|im_start|>answer\n97",
      "incorrect",
      "97",
      "bare-integer/integer",
    ],
    ["nothing", "", "no_answer", null, "empty"],
    ["white space", " \n\t", "no_answer", null, "empty"],
    ["an answer line without an answer", "Answer: 98\nAnswer:", "no_answer", null, "empty"],
    ["prose without an answer line is not searched for numbers", "It is 98", "no_answer", null, "no-answer-line"],
    ["two numbers", "98 98", "no_answer", null, "no-answer-line"],
    ["an answer in words", "Answer: ninety-eight", "answer_parse_error", "ninety-eight", "answer-line/integer"],
    [
      "an answer with a unit is not guessed at",
      "Answer: 98 apples",
      "answer_parse_error",
      "98 apples",
      "answer-line/integer",
    ],
    ["a working as answer", "Answer: 62+36=98", "answer_parse_error", "62+36=98", "answer-line/integer"],
    ["a word that ends in answer", "Nonanswer: 98", "no_answer", null, "no-answer-line"],
  ] as const)("%s", (_, reply, outcome, extracted, rule) => {
    expect(grade(reply)).toEqual({ outcome, extracted, rule });
  });
  it("gives the verifier the question and the canonical answer", () => {
    const calls: string[][] = [];
    gradeInteger("q", "Answer: **1,024.0**", (question, answer) => calls.push([question, answer]) > 0);
    expect(calls).toEqual([["q", "1024"]]);
  });
});

describe("limits", () => {
  it("reads an answer of the largest size, and says when one is longer", () => {
    const digits = (count: number) => `Answer: 1${"0".repeat(count - 1)}`;
    expect(grade(digits(MAX_ANSWER_LENGTH))).toMatchObject({ outcome: "incorrect", rule: "answer-line/integer" });
    expect(grade(digits(MAX_ANSWER_LENGTH + 1))).toEqual({
      outcome: "answer_limit",
      extracted: null,
      rule: "answer-length",
    });
    expect(grade("7".repeat(MAX_ANSWER_LENGTH + 1))).toMatchObject({ outcome: "no_answer", rule: "no-answer-line" });
  });
  it("finds an answer behind a long explanation, and searches no reply past its limit", () => {
    expect(grade(`${"so ".repeat(20_000)}\nAnswer: 98`)).toMatchObject({ outcome: "correct" });
    expect(grade(`Answer: 98\n${"x".repeat(MAX_REPLY_LENGTH)}`)).toEqual({
      outcome: "answer_limit",
      extracted: null,
      rule: "reply-length",
    });
  });
  it.each([
    ["spaces", `answer${" ".repeat(500_000)}`],
    ["labels", "answer ".repeat(140_000)],
    ["labels with colons", "answer:".repeat(140_000)],
    ["decorations", `Answer: ${"*".repeat(4_000)}`],
    ["zeros", `Answer: ${"0".repeat(4_000)}x`],
    ["commas", `Answer: ${"1,".repeat(2_000)}`],
  ])("is quick on hostile %s (below 500 ms)", (_, reply) => {
    const before = performance.now();
    expect(grade(reply).outcome).not.toBe("correct");
    expect(performance.now() - before).toBeLessThan(500);
  });
  it("gives an outcome to any text, and never a false correct", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."0123456789,.-+*$` \n\\}!a:９−\u0000"), maxLength: 12 }),
        (text) => {
          const { outcome, extracted } = gradeInteger("q", `Answer: ${text}`, () => true);
          if (outcome === "correct") expect(extracted).toMatch(/^(0|-?[1-9][0-9]*)$/);
          else expect(["no_answer", "answer_parse_error"]).toContain(outcome);
        },
      ),
    );
  });
});

describe("canonicalInteger", () => {
  it.each([
    ["98", "98"],
    ["-7", "-7"],
    ["\u22127", "-7"],
    ["+7", "7"],
    ["-0", "0"],
    ["000", "0"],
    ["007", "7"],
    ["1,000", "1000"],
    ["12,345,678", "12345678"],
    ["98.", "98"],
    ["98.00", "98"],
    ["98!", "98"],
    ["**98**", "98"],
    ["`98`", "98"],
    ["\\( 98 \\)", "98"],
    ["\\boxed{98}", "98"],
    ["$\\boxed{ 98 }$", "98"],
    ["**$98$**.", "98"],
  ])("%s is %s", (text, expected) => expect(canonicalInteger(text)).toBe(expected));
  it.each([
    "",
    "-",
    "1,00",
    "1,0000",
    ",100",
    "9 8",
    "98.5",
    "98%",
    "0x62",
    "1e3",
    "½",
    "--7",
    "98 = 98",
    "\\boxed{9}8",
    "<98>",
  ])("%s is no integer", (text) => expect(canonicalInteger(text)).toBeNull());
  it("is its own canonical form, for integers of any size", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: 0, max: 5 }), (value, zeros) => {
        const digits = (value < 0n ? -value : value).toString();
        const canonical = canonicalInteger(`${value < 0n ? "-" : ""}${"0".repeat(zeros)}${digits}`);
        expect(canonical).toBe(value.toString());
        expect(canonicalInteger(canonical as string)).toBe(canonical);
      }),
    );
  });
});

describe("extractAnswer", () => {
  it("names what it found for a vote", () => {
    expect(extractAnswer("Final Answer: 7")).toEqual({ status: "found", text: "7", rule: "answer-line" });
  });
});
