import { resolve } from "node:path";
import { exportDataset } from "../../pipeline/export/export-dataset.ts";
import { counted } from "../../report/number-format.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { findRun } from "../find-run.ts";
import { shownPath } from "../shown-path.ts";

interface ExportFlags extends CommonFlags {
  readonly out: string;
}

/** Writes a run's data set. */
export default presenting<ExportFlags, [string]>(async (context, { out }, run) => {
  const folder = resolve(context.recipes.workingFolder, out);
  const outcome = await exportDataset(context.fs, await findRun(context, run), folder);
  const place = shownPath(context, folder);
  return {
    json: { ...outcome, folder: place },
    text: [
      `${counted(outcome.examples, "example")} of ${outcome.run}: ${place}`,
      ...outcome.files.map(({ path, bytes }) => `  ${path}, ${counted(bytes, "byte")}`),
      "read README.md before you publish it: licences and terms are yours to judge",
    ].join("\n"),
  };
});
