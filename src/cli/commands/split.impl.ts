import { resolve } from "node:path";
import { splitTask } from "../../pipeline/split-task.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { hubAccess } from "../hub-access.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

interface SplitFlags extends CommonFlags {
  readonly out: string;
  readonly data?: string;
}

/** Writes the training side of a user's task. */
export default presenting<SplitFlags, [string]>((context, { out, data }, name) =>
  untilInterrupted(context, "nothing was written", async (signal) => {
    const { workingFolder } = context.recipes;
    const options = { name, seed: 0, workingFolder, hub: hubAccess(context), signal };
    const path = resolve(workingFolder, out);
    const found = await splitTask(data === undefined ? options : { ...options, data }, path, context.fs);
    const result = { ...found, path: shownPath(context, path) };
    const { train, trainClusters, heldOut, heldOutClusters } = result;
    return {
      json: result,
      text: [
        `${train} questions to train on, in ${trainClusters} clusters: ${result.path}`,
        `${heldOut} questions held out, in ${heldOutClusters} clusters: grappa evaluate --task ${name}`,
      ].join("\n"),
    };
  }),
);
