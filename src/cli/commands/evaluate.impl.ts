import {
  type EvaluatePorts,
  type EvaluationResult,
  prepareEvaluation,
  runEvaluation,
} from "../../pipeline/evaluation/evaluate-task.ts";
import { type CommandResult, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { type EvaluateFlags, evaluateRequest } from "../evaluate-flags.ts";
import { showProgress } from "../progress.ts";
import { shownPath } from "../shown-path.ts";
import { untilInterrupted } from "../until-interrupted.ts";

/** Evaluates a model on a task. */
export default presenting<EvaluateFlags, []>((context, flags) =>
  untilInterrupted(context, "what is finished is kept; the same command goes on from there", async (signal) => {
    const request = await evaluateRequest(flags, context, signal);
    const prepared = await prepareEvaluation(request, context.services);
    try {
      const { result, seconds } = await timed(context, (ports) => runEvaluation(prepared, request, ports));
      return present(context, result, seconds);
    } finally {
      await prepared.close();
    }
  }),
);

/** Runs with progress on standard error. */
async function timed<T>(context: CliContext, work: (ports: EvaluatePorts) => Promise<T>) {
  const { fs, processes, services, clock } = context;
  const { stderr } = context.process;
  const observe = showProgress({ write: (text) => stderr.write(text), clock, ...context.terminal });
  const begun = clock.now();
  const seconds = (): number => (clock.now() - begun) / 1000;
  const stage = { stage: "evaluate", key: "" } as const;
  try {
    const result = await work({
      fs,
      processes,
      services,
      onProgress: (progress) => observe({ type: "stage-progress", stage: "evaluate", ...progress }),
      warn: (message) => observe({ type: "warning", message }),
    });
    return { result, seconds: seconds() };
  } catch (error) {
    observe({ type: "stage-fail", ...stage, seconds: seconds(), error });
    throw error;
  }
}

function present(context: CliContext, { folder, header, summary }: EvaluationResult, _seconds: number): CommandResult {
  const place = shownPath(context, folder);
  return {
    json: { folder: place, header, summary },
    text: `${JSON.stringify(summary, null, 1)}\n  evaluation: ${place}`,
  };
}
