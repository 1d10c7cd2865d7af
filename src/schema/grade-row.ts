/** @file Rows of `grappa grade`: what a line of its input asks, and what the line with the same number of its output says. */
import { z } from "zod";
import { Verdict } from "./evaluation.ts";
import { GradeOutcome } from "./records.ts";

/** What a row may change of the comparison; absent or null: the default. */
export const GradeRowOptions = z.strictObject({
  targets: z
    .array(z.enum(["latex", "expr"]))
    .min(1)
    .max(2)
    .nullish()
    .describe("what extraction looks for: LaTeX environments, plain numbers and expressions; both by default"),
  precision: z.int().min(0).max(30).nullish().describe("decimals to which decimals are compared; 6 by default"),
  strict: z.boolean().nullish().describe("whether variables must match by name; true by default"),
  allowSetRelationComparison: z
    .boolean()
    .nullish()
    .describe("whether a gold set may be matched by a relation; false by default"),
});
export type GradeRowOptions = z.infer<typeof GradeRowOptions>;

/** A line of input. Other fields, such as an id, may stand beside these and are not read. */
export const GradeRequest = z.object({
  gold: z.string().describe("reference answer, alone or in its solution: it goes through extraction too"),
  pred: z.string().describe("a model's reply, whole or only its answer"),
  profile: z
    .enum(["math", "aime", "gsm8k", "mcq", "exact"])
    .nullish()
    .describe("how strict the comparison is; math, or what --profile says, by default"),
  options: GradeRowOptions.nullish(),
});
export type GradeRequest = z.infer<typeof GradeRequest>;

/** A line of output: line n answers line n of the input, whatever stands there. */
export const GradeRow = z.strictObject({
  line: z.int().min(1).describe("number of the input's line, from 1"),
  outcome: z.enum([...GradeOutcome.options, "row_error"]).describe("row_error: the line is no row; see error"),
  canonical: Verdict.shape.canonical,
  goldCanonical: z.string().nullable().describe("canonical form of the gold"),
  extracted: Verdict.shape.extracted,
  rule: z.string().nullable().describe("extraction and comparison rules that fired; null where nothing was graded"),
  explanation: z.string(),
  flexible: Verdict.shape.flexible,
  error: z
    .strictObject({ code: z.string(), message: z.string() })
    .nullable()
    .describe("why the line, or its gold, could not be read"),
});
export type GradeRow = z.infer<typeof GradeRow>;
