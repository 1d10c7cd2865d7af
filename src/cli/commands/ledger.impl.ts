import { resolve } from "node:path";
import { AppError } from "../../core/errors.ts";
import { findJournal, readSpending, reconcile } from "../../pipeline/run-spending.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { findRun } from "../find-run.ts";
import { shellQuote } from "../shell-quote.ts";
import { shownPath } from "../shown-path.ts";
import { describeReconciliation, describeSpending } from "../spending-text.ts";

interface LedgerFlags extends CommonFlags {
  readonly reconcile: boolean;
  readonly billed?: number;
  readonly job?: string;
}

/** Says where the money went, or ends what was in flight. */
export default presenting<LedgerFlags, [string]>(async (context, flags, name) => {
  const { job, billed: billedMicroUsd = 0 } = flags;
  for (const flag of ["billed", "job"] as const)
    if (flags[flag] !== undefined && !flags.reconcile)
      throw new AppError("usage", `--${flag} says what --reconcile writes, and that is not asked for`);
  const folder = await findSpending(context, name);
  if (!flags.reconcile) {
    const spending = await readSpending(context, folder);
    return { json: spending, text: describeSpending(spending, shellQuote(shownPath(context, folder))) };
  }
  const done = await reconcile(context, folder, { billedMicroUsd, ...(job === undefined ? {} : { job }) });
  return { json: done, text: describeReconciliation(done, shellQuote(shownPath(context, folder))) };
});

/** The folder of a run, or any other with a journal. */
async function findSpending(context: CliContext, name: string): Promise<string> {
  const folder = resolve(context.recipes.workingFolder, name);
  return (await findJournal(context.fs, folder)) === undefined ? await findRun(context, name) : folder;
}
