import { buildCommand } from "@stricli/core";
import { jsonFlag, recipeArgument, runFlags, spendFlags, wholeNumber } from "../flags.ts";

const { seed, run, set } = runFlags;
const { price, acceptTerms } = spendFlags;

/** `grappa plan`. */
export const planCommand = buildCommand({
  loader: async () => (await import("./plan.impl.ts")).default,
  parameters: {
    flags: {
      ...jsonFlag,
      seed,
      run,
      set,
      price,
      pilot: {
        kind: "parsed",
        parse: wholeNumber(1, 10_000),
        brief:
          "first ask students and teachers about so many questions; paid, under maxUsd, and not bought again by the run",
        optional: true,
        placeholder: "N",
      },
      acceptTerms,
      hardware: {
        kind: "boolean",
        brief: "also ask Hugging Face Jobs for its hardware and prices of this moment",
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
    brief: "what a recipe will cost, stage by stage, and what its budget buys",
    fullDescription:
      "Forecasts calls, tokens, dollars and time of a recipe, at p50 and p90, and says what maxUsd buys. What a run has bought so\nfar counts as measured. Without --pilot and --hardware it asks nobody and changes nothing.\n`grappa run --plan` says something else: which stages of a run are done, and which are to run.",
  },
});
