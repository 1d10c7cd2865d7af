import type { EvaluatePorts } from "../pipeline/evaluation/evaluate-task.ts";
import type { CliContext } from "./context.ts";
import { showProgress } from "./progress.ts";

/** Does an evaluation's or a rescoring's work with progress, under this name, and warnings on standard error. */
export async function withProgress<T>(
  context: CliContext,
  stage: "evaluate" | "grade",
  work: (ports: EvaluatePorts) => Promise<T>,
): Promise<T> {
  const { fs, processes, services, clock } = context;
  const { stderr } = context.process;
  const observe = showProgress({ write: (text) => stderr.write(text), clock, ...context.terminal });
  const begun = clock.now();
  const seconds = (): number => (clock.now() - begun) / 1000;
  let note = "";
  try {
    const result = await work({
      fs,
      processes,
      services,
      clock,
      onProgress: (progress) => {
        note = `${progress.done} ${progress.unit}`;
        observe({ type: "stage-progress", stage, ...progress });
      },
      warn: (message) => observe({ type: "warning", message }),
    });
    observe({ type: "stage-end", stage, key: "", seconds: seconds(), note });
    return result;
  } catch (error) {
    observe({ type: "stage-fail", stage, key: "", seconds: seconds(), error });
    throw error;
  }
}
