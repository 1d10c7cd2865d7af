import { compareFolders } from "../../pipeline/evaluation/compare-folders.ts";
import { comparisonLines } from "../../report/comparison-lines.ts";
import { type CommonFlags, presenting } from "../command-result.ts";

/** Flags of `grappa compare`. */
export interface CompareFlags extends CommonFlags {
  readonly setting?: string;
  readonly force: boolean;
}

/** Compares two evaluations or runs. */
export default presenting<CompareFlags, [string, string]>(async ({ fs, recipes }, flags, first, second) => {
  const comparison = await compareFolders({
    fs,
    workingFolder: recipes.workingFolder,
    first,
    second,
    isForced: flags.force,
    ...(flags.setting === undefined ? {} : { setting: flags.setting }),
  });
  return { json: comparison, text: comparisonLines(comparison).join("\n") };
});
