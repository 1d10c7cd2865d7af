import { findEvaluation } from "../../pipeline/evaluation/find-evaluation.ts";
import { rescoreEvaluation } from "../../pipeline/evaluation/rescore-evaluation.ts";
import { evaluationLines } from "../../report/evaluation-lines.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { hubAccess } from "../hub-access.ts";
import { withProgress } from "../evaluation-progress.ts";
import { type JudgeFlags, judgeOptions } from "../judge-flags.ts";
import { rescoreLines } from "../rescore-text.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

/** Flags of `grappa rescore`. */
export interface RescoreFlags extends CommonFlags, JudgeFlags {
  readonly data?: string;
  readonly allowPartialSandbox: boolean;
  readonly unsafeLocal: boolean;
}

/** Grades an evaluation again. */
export default presenting<RescoreFlags, [string]>((context, flags, name) =>
  untilInterrupted(context, "nothing was changed", async (signal) => {
    const { workingFolder } = context.recipes;
    const found = await findEvaluation(name, { fs: context.fs, workingFolder });
    const judge = judgeOptions(flags, context.secrets);
    const request = {
      ...found,
      ...(judge === undefined ? {} : { judge }),
      ...(flags.data === undefined ? {} : { data: flags.data }),
      sandbox: { allowPartial: flags.allowPartialSandbox, unsafeLocal: flags.unsafeLocal },
      workingFolder,
      hub: hubAccess(context),
      signal,
    };
    const { header, summary, folder, speed, ...rescored } = await withProgress(context, "grade", (ports) =>
      rescoreEvaluation(request, ports),
    );
    const { scores, samples, changed, moves, examples } = rescored;
    const place = shownPath(context, folder);
    return {
      json: { folder: place, scores, samples, changed, moves, examples, evaluation: header, summary },
      text: [
        "",
        ...evaluationLines(summary, header, { published: [], speed }),
        "",
        ...rescoreLines(rescored, header.maxTokens),
        "",
        `  new verdicts: ${place}/${scores}`,
      ].join("\n"),
    };
  }),
);
