import { describe, expect, it } from "vitest";
import { answerRegion } from "./answer-region.ts";
import { lastBoxed } from "./boxed.ts";
import { anchoredCandidates, flexibleCandidates } from "./candidates.ts";
import { mathSpans } from "./math-spans.ts";

describe("answerRegion", () => {
  it.each([
    ["what follows the last answer heading", "<|im_start|>think\n3<|im_start|>answer\n4", "4"],
    ["what follows the end of thinking", "<think>3</think>\n4", "4"],
    ["no turn that the model went on to write", "4<|im_end|>\n<|im_start|>user\n5", "4"],
    ["the whole reply without any of these", " 4 ", "4"],
    ["nothing behind an empty heading", "5<|im_start|>answer\n", ""],
    ["the thinking, where nothing follows it", "<think>3</think>", "<think>3</think>"],
  ])("is %s", (_, reply, expected) => expect(answerRegion(reply)).toBe(expected));
});

describe("lastBoxed", () => {
  it.each([
    ["the last box", "\\boxed{1} or rather, after some thought about it, \\boxed{2}", "2"],
    ["boxes that belong together", "\\boxed{1} and \\boxed{2}", "1 , 2"],
    ["boxes in maths of their own", "$\\boxed{1}$, $\\boxed{2}$", "1 , 2"],
    ["nested braces", "\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"],
    ["no braces", "$\\boxed 5$", "5"],
    ["an open box, to its line's end", "\\boxed{5\nmore", "5"],
    ["a box that holds a box", "\\boxed{\\boxed{5}}", "\\boxed{5}"],
    ["no empty box", "\\boxed{5}, so \\boxed{}", "5"],
    ["an environment", "\\begin{boxed}5\\end{boxed}", "5"],
    ["a percent sign behind it", "$\\boxed{20}$ percent", "20\\%"],
  ])("finds %s", (_, text, expected) => expect(lastBoxed(text)).toBe(expected));
  it("finds none where there is none", () => expect(lastBoxed("a boxer in a box")).toBeNull());
});

describe("mathSpans", () => {
  const contents = (text: string): string[] => mathSpans(text).map(({ content }) => content);
  it.each([
    ["each kind", "$a$ \\(b\\) \\[c\\] $$d$$ \\begin{align*}e\\end{align*}", ["a", "b", "c", "d", "e"]],
    ["escaped dollars inside", "$\\$5$", ["\\$5"]],
    ["no money", "it costs $5 and $6", []],
    ["nothing open", "a $ b \\( c", []],
  ])("finds %s", (_, text, expected) => expect(contents(text)).toEqual(expected));
});

describe("candidates", () => {
  const first = (text: string) => anchoredCandidates(text, ["latex", "expr"])[0];
  it.each([
    ["Final Answer: The final answer is $4$. I hope it is correct.", "final-phrase", "4"],
    ["so $\\boxed{4}$. Answer: 5", "boxed", "4"],
    ["work\n#### 72", "hashes", "72"],
    ["**Answer:** $x = 4$ because", "answer-phrase", "x = 4"],
    ["The answer is $1$ or $2$.", "answer-phrase", "1 , 2"],
    ["4", "whole", "4"],
  ] as const)("%s: by %s", (text, rule, expected) => expect(first(text)).toMatchObject({ rule, text: expected }));

  it("puts the last value first for the flexible extractor", () => {
    const texts = (text: string) => flexibleCandidates(text, ["latex", "expr"]).map((candidate) => candidate.text);
    expect(texts("first $3$, then 1,000.99m²")[0]).toBe("1,000.99");
    expect(texts("first 7, then $3$ apples")[0]).toBe("3");
    expect(texts("none")).toEqual([]);
  });
});
