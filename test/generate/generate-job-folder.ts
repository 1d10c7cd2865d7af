/** @file A generate job's folder over the fake server's model. */
import { delimiters as smallDelimiters } from "../decode-model.ts";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BudgetSetting } from "../../src/decode/thinking-budget.ts";
import { delimiterIds } from "../../src/decode/generate-prompts.ts";
import type { GenerateJob, GeneratePrompt } from "../../src/schema/generate-job.ts";
import { VOCABULARY } from "./fake-completions.ts";

/** Small ids in s1's style. */
export { smallDelimiters };

/** Settings in the order of `sweepOrder`. */
export const smallSettings: readonly BudgetSetting[] = [
  { mode: "think", budgetTokens: 1000, waits: 2 },
  { mode: "think", budgetTokens: 1000, waits: 0 },
  { mode: "think", budgetTokens: 12, waits: 0 },
  { mode: "think", budgetTokens: 4, waits: 0 },
  { mode: "direct", budgetTokens: 0, waits: 0 },
];

/** A job over the fake server's model. */
export function smallJob(more: Partial<GenerateJob> = {}): GenerateJob {
  return {
    schemaVersion: 1,
    name: "small",
    models: [{ name: "student", model: "student", revision: null, delimiters: delimiterIds(smallDelimiters) }],
    contextTokens: 60,
    choosableIds: VOCABULARY,
    answerTokens: 4,
    prompts: "prompts.jsonl",
    output: "out",
    concurrency: 2,
    maxSegmentTokens: 1000,
    server: { type: "stand-in", device: "cpu", precision: "f32", tensorParallel: null },
    seed: 0,
    stopAfterSeconds: null,
    ...more,
  };
}

/** So many prompts of one model. */
export function smallPrompts(count: number, model = "student"): GeneratePrompt[] {
  return Array.from({ length: count }, (_, index) => ({
    schemaVersion: 1,
    model,
    key: `q${index}`,
    ids: [4, 9, 4 + (index % 20), 5],
    sampling: { temperature: 0, key: "" },
    settings: [...smallSettings],
  }));
}

/** Writes a job; gives the path of its job.json. */
export function writeJobFolder(job: GenerateJob, prompts: readonly GeneratePrompt[]): string {
  const folder = mkdtempSync(join(tmpdir(), "grappa-generate-"));
  writeFileSync(join(folder, "job.json"), JSON.stringify(job));
  writeFileSync(join(folder, job.prompts), prompts.map((prompt) => `${JSON.stringify(prompt)}\n`).join(""));
  return join(folder, "job.json");
}
