import { describe, expect, it } from "vitest";
import { readAnswer } from "./read-answer.ts";
import { regionOf, sameRegion } from "./regions.ts";
import { Work } from "./work.ts";

const region = (text: string) => {
  const reading = readAnswer(text, "gold");
  return reading.status === "ok" ? regionOf(reading.trees[0], new Work(20_000)) : null;
};
const same = (a: string, b: string): boolean | null => {
  const [first, second] = [region(a), region(b)];
  return first && second && sameRegion(first, second);
};

describe("sameRegion", () => {
  it.each([
    ["(-\\infty,0)\\cup(0,\\infty)", "\\mathbb{R}\\setminus\\{0\\}", true],
    ["(0,2]\\cup(1,3)", "(0,3)", true],
    ["(0,1)\\cup(1,2)", "(0,2)", false],
    ["[0,1]", "[0,1)", false],
    ["[0,1]\\cap[1,2]", "\\{1\\}", true],
    ["x < 3", "(-\\infty,3)", true],
    ["2x - 6 \\le 0", "(-\\infty,3]", true],
    ["x^2 < 4", "(-2,2)", true],
    ["x^2 \\ge 2", "(-\\infty,-\\sqrt2]\\cup[\\sqrt2,\\infty)", true],
    ["|x-1| < 2", "(-1,3)", true],
    ["|x-1| < 2", "(-1,3]", false],
    ["1 < x \\le 2", "(1,2]", true],
    ["x \\ne 0", "(-\\infty,0)\\cup(0,\\infty)", true],
    ["x > 1 \\text{ and } x < 3", "(1,3)", true],
    ["x < 1 \\text{ or } x > 3", "(-\\infty,1)\\cup(3,\\infty)", true],
    ["\\{x \\mid x > 2\\}", "(2,\\infty)", true],
    ["\\{x \\in \\mathbb{R} : 0 < x < 1\\}", "(0,1)", true],
    ["(0,\\frac13)", "(0,0.333)", false],
  ])("%s and %s: %s", (a, b, expected) => {
    expect(same(a, b)).toBe(expected);
    expect(same(b, a)).toBe(expected);
  });

  it.each(["x + y < 3", "(a, b)", "\\mathbb{Z}", "\\text{red}"])("knows no region of %s", (text) =>
    expect(region(text)).toBeNull(),
  );
});
