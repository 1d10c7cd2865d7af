import { buildCommand } from "@stricli/core";
import { recipeArgument, runFlags, spendFlags, strictFlag } from "../flags.ts";

/** `grappa run`. */
export const runCommand = buildCommand({
  loader: async () => (await import("./run.impl.ts")).default,
  parameters: {
    flags: {
      ...runFlags,
      ...spendFlags,
      ...strictFlag,
      yes: {
        kind: "boolean",
        brief: "spend up to maxUsd without being asked",
        default: false,
        withNegated: false,
      },
    },
    positional: {
      kind: "tuple",
      parameters: [recipeArgument],
    },
  },
  docs: {
    brief: "run a recipe, or go on with a run that was stopped",
    fullDescription:
      "Runs every stage of a recipe that is not done yet. What is finished is never run twice, and nothing is ever bought twice.",
  },
});
