import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

const text = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: plainText, brief, optional: true, placeholder }) as const;

/** `grappa import`. */
export const importCommand = buildCommand({
  loader: async () => (await import("./import.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      out: { kind: "parsed", parse: plainText, brief: "folder for recipe.json", placeholder: "FOLDER" },
      student: {
        kind: "parsed",
        parse: plainText,
        brief: "base to train: a folder seen from the recipe, or demo-base",
        default: "demo-base",
        placeholder: "BASE",
      },
      questionField: text("column of the question", "NAME"),
      thinkingField: text("column of the reasoning; parts of a nested one joined by dots", "NAME"),
      answerField: text("column of the answer", "NAME"),
      model: text("who wrote the traces", "NAME"),
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "a data file, or hf:OWNER/NAME@REVISION:PART", parse: plainText, placeholder: "DATA" }],
    },
  },
  docs: {
    brief: "a recipe that trains on traces that are there already, such as s1K",
    fullDescription:
      "Looks a data set of traces through and writes a recipe.json that trains on it: nobody is asked, nothing is bought.\nKnows the columns of s1K, s1K-1.1 and what `grappa export` writes; others are named. Overwrites nothing.",
  },
});
