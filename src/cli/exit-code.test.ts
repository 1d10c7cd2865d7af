import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { AppError, type ErrorCode } from "../core/errors.ts";
import { exitCodeOf, exitCodeOfScanner } from "./exit-code.ts";

test("each error has a status, and docs/cli.md explains each status", () => {
  const source = readFileSync("src/core/errors.ts", "utf8");
  const codes = [...source.matchAll(/^ {2}\| "([a-z-]+)"/gm)].map(([, code]) => code as ErrorCode);
  expect(codes.length).toBeGreaterThan(15);
  const statuses = new Set(codes.map((code) => exitCodeOf(new AppError(code, "x"))));
  const page = readFileSync("docs/cli.md", "utf8");
  const explained = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, status]) => Number(status));
  expect([...statuses, 0, 1].sort((a, b) => a - b)).toEqual(explained);
});

test("a bug is 1, an interrupt 130, and faults of the scanner are faults of usage", () => {
  expect(exitCodeOf(new TypeError("x"))).toBe(1);
  expect(exitCodeOf(new AppError("interrupted", "x"))).toBe(130);
  expect([-5, -4, -2, 0, 6].map(exitCodeOfScanner)).toEqual([2, 2, 1, 0, 6]);
});
