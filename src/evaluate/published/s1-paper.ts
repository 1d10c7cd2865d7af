/** @file Results of other models as the s1 paper prints them. Only rows that were read in its tables; misprints are noted. */
import type { PublishedResult, PublishedResults } from "./published-result.ts";

const source = { title: "s1: Simple test-time scaling", arxiv: "2501.19393v3" } as const;
const asOf = "2025-03-01";

/** Questions of each task. */
const QUESTIONS = { aime24: 30, aime25: 30, math500: 500, "gpqa-diamond": 198 } as const;
type Task = keyof typeof QUESTIONS;

interface Line {
  readonly model: string;
  readonly examples?: string;
  readonly setting?: string;
  readonly scores: Partial<Readonly<Record<Task, number>>>;
  readonly notes?: Partial<Readonly<Record<Task, string>>>;
}

const S1 = "s1-32B";
const S1_1 = "s1.1-32B";
const R1_DISTILL_32B = "DeepSeek r1-distill-Qwen-32B";

const TABLE_1: readonly Line[] = [
  { model: "o1-preview", scores: { aime24: 44.6, math500: 85.5, "gpqa-diamond": 73.3 } },
  { model: "o1-mini", scores: { aime24: 70, math500: 90, "gpqa-diamond": 60 } },
  { model: "o1", scores: { aime24: 74.4, math500: 94.8, "gpqa-diamond": 77.3 } },
  { model: "Gemini 2.0 Flash Thinking", setting: "asked by hand in its web page", scores: { aime24: 60 } },
  {
    model: "Qwen2.5-32B-Instruct",
    setting: "the base of s1",
    scores: { aime24: 26.7, math500: 84, "gpqa-diamond": 49 },
  },
  {
    model: "QwQ-32B-preview",
    scores: { aime24: 50, math500: 90.6, "gpqa-diamond": 54.5 },
    notes: {
      aime24: "Table 5 of the same paper prints 46.7",
      "gpqa-diamond": "a table in the authors' repository (visuals/s11) shows 65.2",
    },
  },
  {
    model: "DeepSeek r1",
    examples: "much more than 800K",
    scores: { aime24: 79.8, math500: 97.3, "gpqa-diamond": 71.5 },
  },
  {
    model: R1_DISTILL_32B,
    examples: "800K",
    scores: { aime24: 72.6, math500: 94.3, "gpqa-diamond": 62.1 },
    notes: { aime24: "Table 5 of the same paper prints 58.3" },
  },
  { model: "Sky-T1", examples: "17K", scores: { aime24: 43.3, math500: 82.4, "gpqa-diamond": 56.8 } },
  { model: "Bespoke-32B", examples: "17K", scores: { aime24: 63.3, math500: 93, "gpqa-diamond": 58.1 } },
  {
    model: S1,
    examples: "1K",
    setting: "without budget forcing",
    scores: { aime24: 50, math500: 92.6, "gpqa-diamond": 56.6 },
  },
  // One row in the paper, and two configurations.
  {
    model: S1,
    examples: "1K",
    setting: "end refused four times",
    scores: { aime24: 56.7 },
    notes: { aime24: "printed in one row with figures for which the end was refused twice" },
  },
  {
    model: S1,
    examples: "1K",
    setting: "end refused twice",
    scores: { math500: 93, "gpqa-diamond": 59.6 },
    notes: {
      math500: "printed in one row with an AIME24 for which the end was refused four times",
      "gpqa-diamond": "printed in one row with an AIME24 for which the end was refused four times",
    },
  },
];

/** Which rows of Table 5 the paper has beyond Table 1; AIME 2025 stands only here. */
const TABLE_5: readonly Line[] = [
  {
    model: "o3-mini",
    setting: "low effort",
    scores: { math500: 95.8, "gpqa-diamond": 70.6, aime24: 56.3, aime25: 42.1 },
  },
  {
    model: "o3-mini",
    setting: "medium effort",
    scores: { math500: 97.3, "gpqa-diamond": 76.8, aime24: 75.8, aime25: 70.4 },
  },
  {
    model: "o3-mini",
    setting: "high effort",
    scores: { math500: 97.9, "gpqa-diamond": 79.7, aime24: 83.8, aime25: 80.9 },
  },
  { model: "QwQ-32B-preview", scores: { aime24: 46.7, aime25: 32.7 }, notes: { aime24: "Table 1 prints 50.0" } },
  { model: "DeepSeek r1", examples: "much more than 800K", scores: { aime25: 70 } },
  {
    model: "DeepSeek r1-distill-Llama-70B",
    examples: "800K",
    scores: { math500: 94.5, "gpqa-diamond": 65.2, aime24: 57.1, aime25: 56.3 },
  },
  {
    model: "DeepSeek r1-distill-Qwen-14B",
    examples: "800K",
    scores: { math500: 93.9, "gpqa-diamond": 59.1, aime24: 61.7, aime25: 48 },
  },
  {
    model: R1_DISTILL_32B,
    examples: "800K",
    scores: { aime24: 58.3, aime25: 49.6 },
    notes: { aime24: "Table 1 prints 72.6" },
  },
  { model: "LIMO", examples: "817", scores: { math500: 94.8, "gpqa-diamond": 66.7, aime24: 56.3, aime25: 44.6 } },
  { model: S1, examples: "1K", setting: "without budget forcing", scores: { aime25: 26.7 } },
  { model: S1, examples: "1K", setting: "end refused once", scores: { aime25: 30 } },
  { model: S1, examples: "1K", setting: "end refused twice", scores: { aime25: 33.3 } },
  { model: S1, examples: "1K", setting: "end refused four times", scores: { aime25: 36.7 } },
];

/** s1.1 was trained on the same questions with DeepSeek r1's reasoning. */
const S1_1_ROWS: readonly (Line & { readonly table: 1 | 5 })[] = [
  {
    model: S1_1,
    examples: "1K",
    setting: "without budget forcing",
    table: 1,
    scores: { aime24: 56.7, math500: 94.4, "gpqa-diamond": 60.6 },
  },
  {
    model: S1_1,
    examples: "1K",
    setting: "end refused once",
    table: 1,
    scores: { aime24: 56.7, math500: 95.4, "gpqa-diamond": 62.6 },
  },
  {
    model: S1_1,
    examples: "1K",
    setting: "end refused twice",
    table: 1,
    scores: { aime24: 56.7, math500: 95.4, "gpqa-diamond": 63.6 },
  },
  { model: S1_1, examples: "1K", setting: "with or without budget forcing", table: 5, scores: { aime25: 50 } },
];

/** On the MATH500 of r1, which Table 1 prints as it should be. */
const MISPRINT = "Table 5 of the same paper prints 07.3, a misprint";

function rowsOf(line: Line, table: number): PublishedResult[] {
  return Object.entries(line.scores).map(([task, accuracyPercent]): PublishedResult => {
    const name = task as Task;
    const isMisprinted = line.model === "DeepSeek r1" && name === "math500";
    return {
      model: line.model,
      examples: line.examples ?? null,
      task: name,
      accuracyPercent,
      n: QUESTIONS[name],
      setting: line.setting ?? "",
      source: { ...source, table },
      asOf,
      note: isMisprinted ? MISPRINT : (line.notes?.[name] ?? ""),
    };
  });
}

/** Tables 1 and 5, each figure once; where the two print different figures for one thing both stand, with a note. */
export const S1_PAPER: PublishedResults = {
  version: 2,
  rows: [
    ...TABLE_1.flatMap((line) => rowsOf(line, 1)),
    ...S1_1_ROWS.flatMap((line) => rowsOf(line, line.table)),
    ...TABLE_5.flatMap((line) => rowsOf(line, 5)),
  ],
};
