import fc from "fast-check";
import { expect, test } from "vitest";
import { differingLine } from "./compare-output.ts";

test("white space at the ends of lines and of the output does not count, inside a line it does for words", () => {
  expect(differingLine(" a b \n c\n\n", "a b\nc")).toBeUndefined();
  expect(differingLine("a  b", "a b")).toBe(1);
});

test("numbers are compared as decimals, exactly", () => {
  expect(differingLine("6", "6.0")).toBeUndefined();
  expect(differingLine("1e3 -0 +.50", "1000 0.00 0.5")).toBeUndefined();
  expect(differingLine("0.30000000000000004", "0.3")).toBe(1);
  expect(differingLine("9007199254740993", "9007199254740992")).toBe(1);
  expect(differingLine("-1", "1")).toBe(1);
});

test("what is no decimal is compared as text", () => {
  for (const [got, want] of [
    ["nan", "NaN"],
    ["1_0", "10"],
    ["0x10", "16"],
    ["", "0"],
    [".", "0"],
    ["1e9999999", "1e9999998"],
  ]) {
    expect(differingLine(got as string, want as string)).toBe(1);
  }
});

test("the first line that differs is named; 0 where their number does", () => {
  expect(differingLine("1\n2\n3", "1\n2\n4")).toBe(3);
  expect(differingLine("1\n2", "1\n2\n3")).toBe(0);
});

test("law: a decimal equals itself however it is written, and no other", () => {
  const digits = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
  fc.assert(
    fc.property(digits, fc.integer({ min: 0, max: 12 }), (value, zeros) => {
      const text = String(value);
      expect(differingLine(`${text}.${"0".repeat(zeros)}`, text)).toBeUndefined();
      expect(differingLine(`${text}e${zeros}`, text + (value === 0n ? "" : "0".repeat(zeros)))).toBeUndefined();
      expect(differingLine(String(value + 1n), text)).toBe(1);
    }),
  );
});
