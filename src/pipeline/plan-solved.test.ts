import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GradeOutcome } from "../schema/records.ts";
import { readSolved } from "./plan-solved.ts";

let folder: string;
let written: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-solved-"));
  written = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const hex = (n: number): string => n.toString(16).padStart(16, "0");
const grade = (outcome: GradeOutcome) => ({ outcome, extracted: null, rule: "r" });
const finished = async (_stage: string, file: string): Promise<string | undefined> =>
  written.includes(file) ? join(folder, file) : undefined;

async function write(file: string, rows: readonly object[]): Promise<void> {
  written.push(file);
  await writeFile(join(folder, file), rows.map((row) => `${JSON.stringify({ schemaVersion: 1, ...row })}\n`).join(""));
}

const attempt = (question: number, sampleIndex: number, model: string, outcome: GradeOutcome) => ({
  questionId: hex(question),
  model,
  mode: "think",
  sampleIndex,
  text: "t",
  thinkingTokens: 1,
  grade: grade(outcome),
});
const usage = { promptTokens: 1, completionTokens: 2, reasoningTokens: 1, isEstimated: false };
const trace = (id: number, question: number, model: string) => ({
  id: hex(id),
  questionId: hex(question),
  provider: "deepseek",
  model,
  sampleIndex: 0,
  thinking: "t",
  answer: "a",
  provenance: "raw",
  finishReason: "stop",
  usage,
  costMicroUsd: 1,
});

describe("what a run's stages say of its models", () => {
  it("a question is solved by the model of which one reply was right", async () => {
    await write("attempts.jsonl", [
      attempt(1, 0, `base-${"a".repeat(16)}`, "correct"),
      attempt(2, 0, `base-${"a".repeat(16)}`, "incorrect"),
      attempt(2, 0, "openai/gpt-6-luna", "incorrect"),
      attempt(2, 1, "openai/gpt-6-luna", "correct"),
      attempt(3, 0, "openrouter/qwen/qwen3-8b", "no_answer"),
    ]);
    expect(await readSolved(finished)).toEqual([
      { account: "attempt", provider: "base", model: "base", asked: 2, solved: 1 },
      { account: "attempt", provider: "openai", model: "gpt-6-luna", asked: 1, solved: 1 },
      { account: "attempt", provider: "openrouter", model: "qwen/qwen3-8b", asked: 1, solved: 0 },
    ]);
  });

  it("traces count once they are graded", async () => {
    await write("traces.jsonl", [trace(1, 1, "a"), trace(2, 1, "a"), trace(3, 2, "a"), trace(4, 2, "b")]);
    expect(await readSolved(finished)).toEqual([]);
    const rows = (["incorrect", "correct", "incorrect", "correct"] as const).map((outcome, i) => ({
      traceId: hex(i + 1),
      questionId: hex(i < 2 ? 1 : 2),
      grade: grade(outcome),
    }));
    await write("grades.jsonl", rows);
    expect(await readSolved(finished)).toEqual([
      { account: "trace", provider: "deepseek", model: "a", asked: 2, solved: 1 },
      { account: "trace", provider: "deepseek", model: "b", asked: 1, solved: 1 },
    ]);
  });
});
