import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa export`. */
export const exportCommand = buildCommand({
  loader: async () => (await import("./export.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      out: { kind: "parsed", parse: plainText, brief: "folder to write", placeholder: "FOLDER" },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "folder of a run, or its name in runs/", parse: plainText, placeholder: "RUN" }],
    },
  },
  docs: {
    brief: "write what a run selected as a data set: JSONL, Parquet and a card",
    fullDescription:
      "Writes the examples that a run selected, with s1K's columns, as JSONL and Parquet, and a card with sources and licences,\nteacher and terms, funnel, seeds and hashes. The run need not be finished, but its selection must be. Sends nothing.",
  },
});
