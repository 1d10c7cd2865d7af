import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa show`. */
export const showCommand = buildCommand({
  loader: async () => (await import("./show.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      run: {
        kind: "parsed",
        parse: plainText,
        brief: "folder of the run, or its name in runs/ (default: the one in runs/ that has it)",
        optional: true,
        placeholder: "RUN",
      },
      full: {
        kind: "boolean",
        brief: "show texts whole, not their beginnings",
        default: false,
        withNegated: false,
      },
    },
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "id of a question or a trace, or its first digits (4 or more)", parse: plainText, placeholder: "ID" },
      ],
    },
  },
  docs: {
    brief: "one question's whole story: tries, traces, grades, where it was dropped and why, its rank",
    fullDescription:
      "Tells what became of one question in each stage of a run: where it is from, who tried it, its traces with their grades\nand lengths, where it or they were dropped and why, and at which rank it was selected. It changes nothing.",
  },
});
