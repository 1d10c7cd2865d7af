import { publishedFor } from "../../evaluate/published/published-for.ts";
import { type PaidEvaluation, prepareEvaluation, runEvaluation } from "../../pipeline/evaluation/evaluate-task.ts";
import { planEvaluation } from "../../pipeline/evaluation/plan-evaluation.ts";
import { formatUsd } from "../../ledger/money.ts";
import { evaluationLines } from "../../report/evaluation-lines.ts";
import { type CommandResult, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { contaminationLines } from "../contamination-text.ts";
import { type EvaluateFlags, evaluateRequest } from "../evaluate-flags.ts";
import { describeEvaluationPlan } from "../evaluation-plan-text.ts";
import { withProgress } from "../evaluation-progress.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

/** Evaluates a model on a task. */
export default presenting<EvaluateFlags, [string | undefined]>((context, flags, model) =>
  untilInterrupted(context, "what is finished is kept; the same command goes on from there", async (signal) => {
    const request = await evaluateRequest(flags, model, { context, signal });
    const prepared = await prepareEvaluation(request, context.services);
    try {
      if (flags.plan) {
        const plan = await planEvaluation(context.fs, prepared, request);
        return { json: plan, text: describeEvaluationPlan({ ...plan, folder: shownPath(context, plan.folder) }) };
      }
      return present(
        context,
        await withProgress(context, "evaluate", (ports) => runEvaluation(prepared, request, ports)),
      );
    } finally {
      await prepared.close();
    }
  }),
);

function present(context: CliContext, evaluated: PaidEvaluation): CommandResult {
  const { folder, header, summary, contamination, spentMicroUsd, speed } = evaluated;
  const place = shownPath(context, folder);
  const published = publishedFor(header.task.name);
  return {
    json: {
      folder: place,
      evaluation: header,
      summary,
      speed,
      spentUsd: spentMicroUsd / 1e6,
      contamination: contamination ?? null,
      published,
    },
    text: [
      "",
      ...evaluationLines(summary, header, { published, speed }),
      ...contaminationLines(contamination),
      ...(spentMicroUsd > summary.costMicroUsd ? ["", `  ${spentLine(spentMicroUsd)}`] : []),
      "",
      `  evaluation: ${place}`,
    ].join("\n"),
  };
}

/** What the samples' own costs leave out. */
function spentLine(spentMicroUsd: number): string {
  return `Spent in all, with replies that came to nothing and any judge: ${formatUsd(spentMicroUsd)}.`;
}
