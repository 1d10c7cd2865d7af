import { buildCommand } from "@stricli/core";
import { jsonFlag } from "../flags.ts";

/** `grappa tasks`. */
export const tasksCommand = buildCommand({
  loader: async () => (await import("./tasks.impl.ts")).default,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "the tasks that `grappa evaluate` knows, and where their data is found",
    fullDescription:
      "Lists the tasks: name, version, how many questions the whole set has, how it is graded, where its data is found and on\nwhat terms. No benchmark's data comes with grappa; `arithmetic` and `program` are made here.",
  },
});
