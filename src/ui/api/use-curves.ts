import { useEffect, useState } from "preact/hooks";
import type { TrainingCurve } from "../../report/page/training-curve.ts";
import { getJson } from "./client.ts";

/** The training curves of these runs, as far as they could be had, in their order. */
export function useCurves(runs: readonly string[]): readonly TrainingCurve[] {
  const [curves, setCurves] = useState<readonly TrainingCurve[]>([]);
  const names = runs.join("/");
  useEffect(() => {
    const ending = new AbortController();
    const asked = runs.map((run) => getJson("/runs/:run/training", run, { signal: ending.signal }));
    void Promise.allSettled(asked).then((answers) => {
      if (ending.signal.aborted) return;
      setCurves(answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : [])));
    });
    return () => ending.abort();
  }, [names]);
  return curves;
}
