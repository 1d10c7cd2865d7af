import { buildCommand } from "@stricli/core";
import { GRADE_PROFILES } from "../../grade/grade-answer.ts";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa grade`. */
export const gradeCommand = buildCommand({
  loader: async () => (await import("./grade.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      jsonl: {
        kind: "parsed",
        parse: plainText,
        brief: "file of rows {gold, pred, profile?, options?}, one JSON object a line; - is standard input",
        optional: true,
        placeholder: "FILE",
      },
      gold: { kind: "parsed", parse: plainText, brief: "one reference answer", optional: true, placeholder: "TEXT" },
      pred: { kind: "parsed", parse: plainText, brief: "one reply to it", optional: true, placeholder: "TEXT" },
      profile: {
        kind: "enum",
        values: GRADE_PROFILES,
        brief: "how strict the comparison is, for rows that do not say",
        default: "math",
        placeholder: "PROFILE",
      },
    },
  },
  docs: {
    brief: "grade maths answers against their golds: JSON lines in, JSON lines out, or one pair",
    fullDescription:
      'Grades maths answers: --jsonl FILE reads rows {"gold", "pred"} and prints one JSON line for each, in the same order,\nwith "outcome" and "canonical"; a line that is no row gets an error row, and the rest goes on. A summary goes to\nstandard error, with --json as one line of JSON. --gold TEXT --pred TEXT grades one pair; --pred=-5 for a minus.',
  },
});
