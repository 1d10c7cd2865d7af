/** @file Grades one line of JSON. A line that is no row, or whose gold cannot be read, gives a row that says so. Pure. */
import { GradeRequest, type GradeRow, type GradeRowOptions } from "../schema/grade-row.ts";
import type { GoldCache } from "./gold-cache.ts";
import { gradeAnswer, type GradeOptions, type GradeProfile } from "./grade-answer.ts";

/** A line of input, or why there is no text to read. */
export type RawLine =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: string };

/** What the lines of one input share. */
export interface LineGrading {
  readonly golds: GoldCache;
  /** For rows that name none. */
  readonly profile: GradeProfile;
}

/** The output row of one input line. Never throws on what the line holds. */
export function gradeLine(line: RawLine, { golds, profile }: LineGrading): GradeRow {
  if ("problem" in line) return rowError(line.number, line.problem);
  const request = readRequest(line.text);
  if (typeof request === "string") return rowError(line.number, request);
  const reading = golds.read(request.gold, request.profile ?? profile, withoutNulls(request.options ?? {}));
  if (reading.status === "error")
    return { ...emptyRow(line.number), outcome: "gold_error", error: { code: "gold-error", message: reading.reason } };
  const { outcome, canonical, extracted, rule, explanation, flexible } = gradeAnswer(reading.gold, request.pred);
  const { canonical: goldCanonical } = reading.gold;
  return { line: line.number, outcome, canonical, goldCanonical, extracted, rule, explanation, flexible, error: null };
}

/** The request, or what is wrong with it: at most 500 characters. */
function readRequest(text: string): GradeRequest | string {
  if (text.trim() === "") return "the line is empty";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "the line is not JSON";
  }
  const result = GradeRequest.safeParse(value);
  if (result.success) return result.data;
  return result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join(".") || "row"}: ${message}`)
    .join("; ")
    .slice(0, 500);
}

function withoutNulls(options: GradeRowOptions): GradeOptions {
  const { targets, precision, strict, allowSetRelationComparison } = options;
  return {
    ...(targets && { targets }),
    ...(typeof precision === "number" && { precision }),
    ...(typeof strict === "boolean" && { strict }),
    ...(typeof allowSetRelationComparison === "boolean" && { allowSetRelationComparison }),
  };
}

const rowError = (line: number, message: string): GradeRow => ({
  ...emptyRow(line),
  outcome: "row_error",
  error: { code: "row-invalid", message },
});

function emptyRow(line: number): Omit<GradeRow, "outcome" | "error"> {
  return { line, canonical: null, goldCanonical: null, extracted: null, rule: null, explanation: "", flexible: null };
}
