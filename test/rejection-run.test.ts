/** @file `evaluate.reject` and `evaluate.samples` of a recipe on real stages: what was tried, kept and spent is in the run. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Completion } from "../src/schema/records.ts";
import { tinyRecipe, writeTinyStudent } from "./tiny-student.ts";

const MAX_TRIES = 3;
const CAPS = [4, 200];

let folder: string;
let completions: Completion[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-reject-"));
  await writeTinyStudent(join(folder, "base"));
  const evaluate = {
    count: 6,
    budgets: [16],
    waits: [1],
    reject: CAPS,
    maxTries: MAX_TRIES,
    samples: 2,
    temperature: 2,
  };
  writeFileSync(join(folder, "recipe.json"), JSON.stringify({ ...tinyRecipe("base"), evaluate }));
  await promisify(execFile)(process.execPath, [resolve("dist/cli/main.js"), "run", "recipe.json", "--run", "r"], {
    cwd: folder,
  });
  const stages = join(folder, "r/stages");
  const stage = readdirSync(stages).find((name) => name.startsWith("evaluate-"))!;
  const lines = readFileSync(join(stages, stage, "completions.jsonl"), "utf8")
    .trim()
    .split("\n");
  completions = lines.map((line) => Completion.parse(JSON.parse(line)));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every question is tried under every cap, within its bound, and what is given up has no answer", () => {
  const tried = completions.filter(({ setting }) => setting.maxTries !== undefined);
  const questions = new Set(completions.map(({ questionId }) => questionId)).size;
  expect(tried).toHaveLength(CAPS.length * questions);
  for (const { setting, rejection, thinkingTokens, answer, grade, end } of tried) {
    expect(thinkingTokens).toBeLessThanOrEqual(setting.budgetTokens);
    expect(rejection!.tries).toBeLessThanOrEqual(MAX_TRIES);
    expect(end).toBe(rejection!.isGivenUp ? "cut" : "natural");
    if (rejection!.isGivenUp) expect([rejection!.tries, answer, grade.outcome]).toEqual([MAX_TRIES, "", "no_answer"]);
  }
});

test("a first try that is short enough is the question's first sample", () => {
  const first = completions.filter(({ setting, sampleIndex }) => setting.temperature === 2 && sampleIndex === 0);
  const sampleOf = new Map(first.flatMap((one) => (one.setting.maxTries === undefined ? [[one.questionId, one]] : [])));
  const kept = first.filter(({ rejection }) => rejection?.tries === 1 && !rejection.isGivenUp);
  expect(kept.length).toBeGreaterThan(0);
  for (const { questionId, thinking, answer } of kept)
    expect(sampleOf.get(questionId)).toMatchObject({ thinking, answer });
});

test("the report shows each way with the tokens it spends", () => {
  const report = readFileSync(join(folder, "r/report.md"), "utf8").replaceAll("\u00a0", " ");
  expect(report).toMatch(/\| shortest of 2 \| 2 \|/);
  expect(report).toMatch(/\| bound: any of 2 \| 2 \|/);
  expect(report).toMatch(/\| rejected above 4 \| 1 \|/);
});
