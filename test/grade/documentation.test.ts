/** @file The examples of docs/grading.md, run as they stand there. */
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GradeRow } from "../../src/schema/grade-row.ts";
import { type FakeMachine, fakeMachine } from "../fake-cli.ts";

let machine: FakeMachine;
beforeEach(async () => {
  machine = await fakeMachine();
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

const examples = readFileSync(resolve("docs/grading.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("    "))
  .map((line) => line.trim());

/** The words of a command line, quotes taken off. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");

test("the pair", async () => {
  const [line = ""] = examples.filter((example) => example.includes("--gold"));
  const [npx, grappa, ...args] = wordsOf(line);
  expect([npx, grappa]).toEqual(["npx", "grappa"]);
  expect((await machine.run(...args)).stdout).toMatch(/^correct\n/);
});

test("the rows, each of which is correct", async () => {
  const rows = examples.filter((example) => example.startsWith("{"));
  expect(rows.length).toBe(3);
  await writeFile(join(machine.folder, "rows.jsonl"), rows.join("\n"));
  const [line = ""] = examples.filter((example) => example.includes("--jsonl"));
  const [, , ...args] = wordsOf(line.replace(/>.*/, ""));
  const { stdout } = await machine.run(...args);
  const graded = stdout
    .trimEnd()
    .split("\n")
    .map((row) => GradeRow.parse(JSON.parse(row)));
  expect(graded.map(({ outcome }) => outcome)).toEqual(["correct", "correct", "correct"]);
});
