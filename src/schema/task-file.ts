/** @file A user's own task: data, prompt, verifier and hold-out cut. Unknown keys are errors. */
import { z } from "zod";

const field = (what: string) => z.string().min(1).max(200).describe(what);

const GraderVerifier = z.strictObject({
  type: z.literal("grader").describe("the answer is compared with a reference answer by rule"),
  profile: z.enum(["math", "aime", "gsm8k", "mcq", "exact"]).describe("how strictly; see docs/cli.md, grade"),
  answer: field("column of the reference answer"),
});

const CodeVerifier = z.strictObject({
  type: z.literal("code").describe("the reply is a Python program, run with tests in the sandbox"),
  asserts: field("column of the tests: a list of assert statements, a JSON list of them, or one text").optional(),
  tests: field("column of a JSON list of {input, output}: what the program reads and must print").optional(),
  setup: field("column of code to run before the asserts").optional(),
});

const JudgeVerifier = z.strictObject({
  type: z.literal("judge").describe("a model judges the reply against a rubric"),
  rubric: z
    .string()
    .min(1)
    .max(20_000)
    .describe("what makes a reply right; {column} stands for a column's text, {{ and }} for braces"),
});

const Columns = {
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and dashes")
    .describe("the task's name: lower-case letters, digits and dashes; part of every question's id"),
  version: z.string().min(1).max(40).default("1").describe("yours to raise when prompt, columns or verifier change"),
  data: z.string().min(1).describe("CSV, JSONL, JSON or Parquet, seen from this file; or hf:OWNER/NAME@REVISION:PATH"),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/)
    .optional()
    .describe("SHA-256 that the data must have"),
  prompt: z
    .string()
    .min(1)
    .max(20_000)
    .describe("what the model is asked; {column} stands for a column's text, {{ and }} for braces"),
  id: field("column that only numbers the rows: kept with each question, but no part of what it is").optional(),
  metadata: z.array(field("column")).default([]).describe("columns to keep with each question, for breakdowns"),
  holdOut: z
    .strictObject({
      share: z.number().gt(0).lt(1).describe("share of the questions to evaluate on; the others are for training"),
      seed: z.int().min(0).default(0).describe("draws which clusters are held out"),
    })
    .optional()
    .describe("cut by clusters of near-duplicates; without it, all questions are evaluated on"),
};

/** A task file as JSON holds it. */
export const TaskFile = z.strictObject({
  $schema: z.string().optional().describe("path of the JSON Schema, for completion in editors"),
  ...Columns,
  verifier: z
    .discriminatedUnion("type", [GraderVerifier, CodeVerifier, JudgeVerifier])
    .describe("who says what is right"),
});
export type TaskFile = z.infer<typeof TaskFile>;
/** A task file as a person writes it: defaults may be left out. */
export type TaskFileInput = z.input<typeof TaskFile>;

/** Everything but the verifier: a module may give a function there. */
export const TaskFileBase = TaskFile.omit({ verifier: true });
