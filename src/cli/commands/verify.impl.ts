import { AppError } from "../../core/errors.ts";
import { type RunVerification, verifyRun } from "../../pipeline/verify-run.ts";
import { count, counted } from "../../report/number-format.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { findRun } from "../find-run.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

/** So many problems are listed one by one. */
const MOST_LISTED = 20;

/** Says whether a run is what it says it is. */
export default presenting<CommonFlags, [string]>((context, _flags, run) =>
  untilInterrupted(context, "nothing was changed", async (signal) => {
    const folder = await findRun(context, run);
    const { stagesToRead } = await import("../../pipeline/open-services.ts");
    const found = await verifyRun(context.fs, folder, { stages: stagesToRead(), signal });
    const place = shownPath(context, folder);
    if (found.problems.length > 0) throw notAsItSays(place, found);
    const { stages, files, selected } = found;
    const again =
      selected === null ? "no selection yet" : `the selection of ${counted(selected, "row")} made again, byte for byte`;
    const text = `${place}: ${counted(stages.length, "stage")}, ${counted(files, "file")} of ${count(found.bytes)} bytes as they were written; ${again}`;
    return { json: { run: place, ...found }, text };
  }),
);

function notAsItSays(place: string, { problems }: RunVerification): AppError {
  const lines = problems.slice(0, MOST_LISTED).map(({ file, problem }) => `  ${file}: ${problem}`);
  const more = problems.length > MOST_LISTED ? [`  and ${problems.length - MOST_LISTED} more`] : [];
  return new AppError(
    "file-corrupt",
    `${place} is not what it says: ${counted(problems.length, "problem")}\n${[...lines, ...more].join("\n")}`,
    {
      hint: "the command that made the run makes damaged stages again; what was paid for is in journal/",
      data: { run: place, problems },
    },
  );
}
