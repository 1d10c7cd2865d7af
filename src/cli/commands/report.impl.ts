import { type CommonFlags, presenting } from "../command-result.ts";
import { findRun } from "../find-run.ts";

/** Renders a run's report again. */
export default presenting<CommonFlags, [string]>(async (context, _flags, run) => {
  const folder = await findRun(context, run);
  const { summary, lines, html } = await context.services.renderReport({ fs: context.fs, folder });
  return { json: summary, text: [...lines, "", `  report: ${html}`].join("\n") };
});
