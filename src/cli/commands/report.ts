import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa report`. */
export const reportCommand = buildCommand({
  loader: async () => (await import("./report.impl.ts")).default,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [{ brief: "folder of a finished run, or its name in runs/", parse: plainText, placeholder: "RUN" }],
    },
  },
  docs: {
    brief: "write a finished run's report.html, report.md and result.json again, and show the result",
    fullDescription: "Writes a finished run's report.html, report.md and result.json again, and shows the result.",
  },
});
