import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa split`. */
export const splitCommand = buildCommand({
  loader: async () => (await import("./split.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      out: { kind: "parsed", parse: plainText, brief: "JSONL file to write", placeholder: "FILE" },
      data: {
        kind: "parsed",
        parse: plainText,
        brief: "data to read in place of the task file's own",
        optional: true,
        placeholder: "DATA",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "a task file (.json or .mjs) with a hold-out cut", parse: plainText, placeholder: "TASK" }],
    },
  },
  docs: {
    brief: "write the questions of your own task that may be trained on; the others are held out for `evaluate`",
    fullDescription:
      "Cuts the data of a task file by clusters of near-duplicates, as its holdOut says, and writes the training side as JSONL.\n`grappa evaluate --task TASK` asks the other side alone. Overwrites no other file.",
  },
});
