import { buildCommand } from "@stricli/core";
import { jsonFlag, plainText } from "../flags.ts";

/** `grappa status`. */
export const statusCommand = buildCommand({
  loader: async () => (await import("./status.impl.ts")).default,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [{ brief: "folder of a run, or its name in runs/", parse: plainText, placeholder: "RUN" }],
    },
  },
  docs: {
    brief: "where a run stands, stage by stage; works while it is running",
    fullDescription:
      "Says where a run stands, stage by stage. It changes nothing, and works while the run is going on.",
  },
});
