import { presenting } from "../command-result.ts";
import { executeRun, type RunFlags, type SpendFlags } from "../execute-run.ts";
import { shellQuote } from "../shell-quote.ts";

/** Runs a recipe of the user's. */
export default presenting<RunFlags & SpendFlags & { readonly strict: boolean }, [string]>((context, flags, recipe) =>
  executeRun(context, flags, {
    recipe,
    command: `grappa run ${shellQuote(recipe)}`,
    redo: "--from collect",
    isFresh: false,
    strict: flags.strict,
    spending: flags,
  }),
);
