import { expect, test } from "vitest";
import { formulaTree, NodeAllowance } from "./formula-tree.ts";

/** 1,300 characters that become 340,000 nodes. */
const HOSTILE = `\\def\\a{${"x".repeat(900)}}${"\\a".repeat(190)}`;
const drawn = async (formula: string, allowance: NodeAllowance) =>
  (await formulaTree(formula, { isDisplay: false, allowance })) !== null;

test("draws what people write, and leaves what would fill the page", async () => {
  expect(await drawn("\\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}", new NodeAllowance())).toBe(true);
  // The longest that a text's marks can hold.
  expect(await drawn("x+".repeat(999), new NodeAllowance())).toBe(true);
  expect(await drawn(HOSTILE, new NodeAllowance())).toBe(false);
  await expect(drawn("\\frac{broken", new NodeAllowance())).rejects.toThrow("KaTeX");
});

test("all formulas of a text share what may be drawn, and what is refused is not made again", async () => {
  const allowance = new NodeAllowance();
  for (let each = 0; each < 200; each += 1) expect(await drawn("x^{2} + 2xy + y^{2} = 0", allowance)).toBe(true);
  expect(await drawn(HOSTILE, allowance)).toBe(false);
  expect(allowance.isSpent).toBe(true);
  expect(await drawn("x", allowance)).toBe(false);
  const other = new NodeAllowance();
  const shown = [];
  for (let each = 0; each < 100; each += 1) shown.push(await drawn("x+".repeat(200), other));
  // Some 800 nodes each.
  expect(shown.lastIndexOf(true)).toBe(shown.indexOf(false) - 1);
  expect(shown.filter(Boolean).length).toBeGreaterThan(50);
  expect(shown.filter(Boolean).length).toBeLessThan(70);
});
