/** @file The evaluate stage of a fake run: answers that a test chooses, under a manifest that vouches for them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scoreCompletions } from "../../src/evaluate/score.ts";
import { type Completion, GradeOutcome, type ThinkingSetting } from "../../src/schema/records.ts";
import { at, type FakeEvent, writeFakeRun } from "./fake-run.ts";

const KEY = "fedcba9876543210";
const NATURAL = 1024;

export const think = (budgetTokens: number, waits = 0): ThinkingSetting => ({ mode: "think", budgetTokens, waits });
export const natural = think(NATURAL);

/** What a test says of an answer; the rest is usual. */
export type FakeAnswer = Pick<Completion, "questionId"> &
  Partial<Pick<Completion, "setting" | "thinking" | "answer" | "model" | "end">> & { readonly isRight?: boolean };

function completionOf({ isRight = false, ...answer }: FakeAnswer): Completion {
  const outcome = GradeOutcome.parse(isRight ? "correct" : "incorrect");
  return {
    schemaVersion: 1,
    model: "student",
    setting: natural,
    sampleIndex: 0,
    thinking: "",
    answer: "Answer: 1",
    thinkingTokens: (answer.thinking ?? "").length,
    answerTokens: 5,
    end: "natural",
    answerFinish: "stop",
    grade: { outcome, extracted: "1", rule: "answer-line/integer" },
    ...answer,
  };
}

/** Writes a run whose evaluation is done; `questions` are texts by id. */
export function writeFakeEvaluation(
  folder: string,
  questions: Readonly<Record<string, string>>,
  answers: readonly FakeAnswer[],
): void {
  const events: FakeEvent[] = [
    { at: at("10:00:00"), type: "stage-start", stage: "evaluate", key: KEY, note: "" },
    { at: at("10:00:10"), type: "stage-end", stage: "evaluate", key: KEY, note: "" },
  ];
  writeFakeRun(folder, { events });
  const stage = join(folder, "stages", `evaluate-${KEY}`);
  mkdirSync(stage, { recursive: true });
  const completions = answers.map(completionOf);
  const write = (file: string, rows: readonly unknown[]): void =>
    writeFileSync(join(stage, file), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  write("completions.jsonl", completions);
  write("scores.jsonl", scoreCompletions(completions, { familyOf: () => "arithmetic", contextTokens: NATURAL }));
  const kind = { schemaVersion: 1, family: "arithmetic", domain: "arithmetic/sum", difficulty: 1, bucket: "test" };
  write(
    "questions.jsonl",
    Object.entries(questions).map(([id, text]) => ({ ...kind, id, text, answer: "1", metadata: {} })),
  );
  const identity = { schemaVersion: 1, stage: "evaluate", key: KEY, codeVersion: 1, config: {}, facts: {}, inputs: {} };
  const manifest = { ...identity, files: [], outputHash: "0".repeat(64), funnel: [], notes: {} };
  writeFileSync(join(stage, "manifest.json"), JSON.stringify(manifest));
}
