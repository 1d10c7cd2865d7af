import { presenting } from "../command-result.ts";
import { executeRun, type RunFlags } from "../execute-run.ts";
import { shellQuote } from "../shell-quote.ts";

/** Runs a recipe of the user's. */
export default presenting<RunFlags, [string]>((context, flags, recipe) =>
  executeRun(context, flags, {
    recipe,
    command: `grappa run ${shellQuote(recipe)}`,
    redo: "--from collect",
    isFresh: false,
  }),
);
