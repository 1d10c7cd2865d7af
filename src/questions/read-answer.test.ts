import { describe, expect, test } from "vitest";
import { evaluate } from "./expression.ts";
import { fractionText } from "./fraction.ts";
import {
  plainAnswer,
  readDecimal,
  readInteger,
  readIntegers,
  readNamedIntegers,
  readNames,
  readRatio,
} from "./read-answer.ts";

test.each([
  ["$\\boxed{\\frac{3}{4}}$", "(3)/(4)"],
  ["\\text{Ada, Ben}", "Ada, Ben"],
  ["\\left(3 + 4\\right) \\times 2", "(3 + 4 ) * 2"],
  ["\\{1, 2\\}", "1, 2"],
  ["“A-B-C”.", "A-B-C"],
  ["3 × 4 ÷ 2", "3 * 4 / 2"],
])("plainAnswer takes the dress off %s", (text, plain) => expect(plainAnswer(text)).toBe(plain));

describe("readers", () => {
  test.each([
    ["1,024", "1024"],
    ["+7", "7"],
    ["−7", "-7"],
    ["007", "7"],
    ["-0", "0"],
    ["7.0", null],
    ["1,02", null],
    ["7 km", null],
    ["1e3", null],
    ["", null],
    ["9".repeat(61), null],
  ])("a whole number: %s", (text, value) => expect(readInteger(text)?.toString() ?? null).toBe(value));

  test.each([
    ["x = -1, y = 2", [-1, 2]],
    ["[3, 1, 2]", [3, 1, 2]],
    ["1 and 2", [1, 2]],
    ["1 2;3", [1, 2, 3]],
    ["1, 2, x", null],
    ["1.5", null],
    ["", null],
  ])("a list: %s", (text, value) => expect(readIntegers(text)?.map(Number) ?? null).toEqual(value));

  test.each([
    ["1, -5", [1, -5]],
    ["x = 1, y = -5", [1, -5]],
    ["y = -5, x = 1", [1, -5]],
    ["X=1; Y=-5", [1, -5]],
    ["x = 1, x = -5", null],
    ["x = 1, z = -5", null],
    ["x = 1, -5", null],
    ["x = 1", null],
  ])("numbers of x and y: %s", (text, value) =>
    expect(readNamedIntegers(text, ["x", "y"])?.map(Number) ?? null).toEqual(value),
  );

  test.each([
    ["3/4", "3/4"],
    ["-3/4", "-3/4"],
    ["-\\frac{3}{4}", "-3/4"],
    ["6/8", "6/8"],
    ["5", "5/1"],
    ["1/0", null],
    ["0.75", null],
    ["3/4/5", null],
  ])("a ratio, as written: %s", (text, value) => {
    const read = readRatio(text);
    expect(read === null ? null : `${read.n}/${read.d}`).toBe(value);
  });

  test.each([
    ["1,234.50", "2469/2"],
    ["-0.125", "-1/8"],
    ["3", "3"],
    [".5", null],
    ["1.", "1"],
    ["1.2.3", null],
  ])("a decimal: %s", (text, value) => {
    const read = readDecimal(text);
    expect(read === null ? null : fractionText(read)).toBe(value);
  });

  test.each([
    ["Ada and ben", ["Ada", "Ben"]],
    ["Ada, Ben, and Cleo", ["Ada", "Ben", "Cleo"]],
    ["None", []],
    ["Ada, Ada", null],
    ["Ada, Zoe", null],
    ["", null],
  ])("names: %s", (text, value) => expect(readNames(text, ["Ada", "Ben", "Cleo"])).toEqual(value));
});

test.each([
  ["3 + 4 * 2", "11"],
  ["(3 + 4) * 2", "14"],
  ["7 - 3 - 2", "2"],
  ["8 / 4 / 2", "1"],
  ["1/3 + 1/6", "1/2"],
  ["-(2 - 5) * -2", "-6"],
  ["1.5 * 0.2", "3/10"],
  ["1 / 0", null],
  ["1 / (2 - 2)", null],
  ["3 4", null],
  ["2 ** 3", null],
  ["(1", null],
  ["1)", null],
  ["Math.max(1)", null],
  ["", null],
  [`${"(".repeat(100)}1${")".repeat(100)}`, null],
  [`${"-".repeat(500)}1`, null],
  [`1${" + 1".repeat(400)}`, null],
])("evaluate reads %s", (text, value) => {
  const found = evaluate(text);
  expect(found === null ? null : fractionText(found.value)).toBe(value);
});
