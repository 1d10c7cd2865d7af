import { buildCommand } from "@stricli/core";
import { evaluateFlags, modelArgument } from "../evaluate-flags.ts";

/** `grappa evaluate`. */
export const evaluateCommand = buildCommand({
  loader: async () => (await import("./evaluate.impl.ts")).default,
  parameters: { flags: evaluateFlags, positional: { kind: "tuple", parameters: [modelArgument] } },
  docs: {
    brief: "put a task to a student or an endpoint, and grade it, with intervals",
    fullDescription:
      "Puts a task's questions to a model, grades the replies, and says how many are right, with intervals.\nWhat is finished is kept at once: after a stop of any kind the same command goes on, and asks nothing twice.\nTasks: `grappa tasks`. No benchmark's data comes with grappa; docs/evaluation.md says how to get it.",
  },
});
