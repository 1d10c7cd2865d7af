import { buildCommand } from "@stricli/core";
import { recipeArgument, runFlags, spendFlags } from "../flags.ts";

const { json, threads, seed, run, set, from, update, verify, plan } = runFlags;

/** `grappa curate`. */
export const curateCommand = buildCommand({
  loader: async () => (await import("./curate.impl.ts")).default,
  parameters: {
    flags: {
      json,
      threads,
      seed,
      run,
      set,
      from,
      update,
      verify,
      plan,
      ...spendFlags,
      yes: { kind: "boolean", brief: "spend up to maxUsd without being asked", default: false, withNegated: false },
    },
    positional: { kind: "tuple", parameters: [recipeArgument] },
  },
  docs: {
    brief: "run a recipe up to its selection, and show its funnel: what went, where and why",
    fullDescription:
      "Runs the stages of a recipe up to the selection, and writes funnel.json, selection.jsonl and dropped.jsonl into the run's\nfolder. `grappa run` goes on from there; what is finished is never run twice.",
  },
});
