import type { EvaluationView } from "../../report/page/evaluation-view.ts";
import { controlsOf } from "../../report/view/controls.ts";
import { headlineOf } from "../../report/view/headline.ts";
import { sweepOf } from "../../report/view/sweep.ts";
import { readResults } from "../render-report.ts";
import type { PageReader } from "./page-reader.ts";
import { doneStamp, type RunFacts } from "./run-facts.ts";

/** What the evaluation found. Throws "file-missing" while the run is not finished; as reading its results does. */
export async function readEvaluation(facts: RunFacts, { kept, ports }: PageReader): Promise<EvaluationView> {
  const stamp = `${doneStamp(facts)} ${facts.manifest === undefined ? "open" : "complete"}`;
  return await kept.get(`evaluation ${facts.folder}`, stamp, async () => {
    const results = await readResults(ports.fs, facts.folder);
    return {
      run: facts.name,
      headline: headlineOf(results),
      sweep: sweepOf(results),
      controls: controlsOf(results),
    };
  });
}
