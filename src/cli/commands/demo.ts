import { buildCommand } from "@stricli/core";
import { runFlags } from "../flags.ts";

/** `grappa demo`. */
export const demoCommand = buildCommand({
  loader: async () => (await import("./demo.impl.ts")).default,
  parameters: {
    flags: {
      ...runFlags,
      fresh: {
        kind: "boolean",
        brief: "throw an earlier demo run away and begin anew",
        default: false,
        withNegated: false,
      },
    },
  },
  docs: {
    brief: "the whole of s1 on this machine, in minutes: questions, traces, fine-tune, evaluation, report",
    fullDescription:
      "Runs the recipe that comes with grappa into runs/demo-SEED: no key, no GPU, no network.\nA run that was stopped goes on where it was; a finished one shows its result.",
  },
});
