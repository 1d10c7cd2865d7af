/** @file What an evaluation would ask and what it may cost, before anything is asked. */
import type { FileSystem } from "../../adapters/file-system.ts";
import { wilsonInterval } from "../../core/statistics/intervals.ts";
import { errorsForPower } from "../../core/statistics/comparison-plan.ts";
import { missingRequests } from "../../evaluate/evaluation-plan.ts";
import { maxPromptTokens, tokenCost } from "../../ledger/price-book.ts";
import type { EvaluationHeader } from "../../schema/evaluation.ts";
import type { ThinkingSetting } from "../../schema/records.ts";
import type { EvaluateRequest, PreparedEvaluation } from "./evaluate-task.ts";
import { doneSamples } from "./evaluation-folder.ts";

/** A plan. */
export interface EvaluationPlan {
  readonly folder: string;
  readonly evaluation: EvaluationHeader;
  /** Samples there are to be, and of these, samples that are written already. */
  readonly samples: number;
  readonly done: number;
  /** Requests to an endpoint, or prompts to a student: settings of one prompt are decoded together. */
  readonly calls: number;
  /** Most tokens of all prompts and all replies still to come. */
  readonly worstCaseTokens: { readonly prompt: number; readonly completion: number };
  /** Most that these can cost, dollars; the cap may end it earlier. */
  readonly worstCaseUsd: number;
  readonly maxUsd: number | null;
  /** Half the width of a 95 % interval around one half with one sample a question, 0 to 1: the widest there is. */
  readonly halfWidth: number | null;
  /**
   * Difference between two such models, 0 to 1, that a comparison finds four times in five, if they disagree on half of
   * the questions; with several samples a question it is smaller.
   */
  readonly detectableDifference: number;
}

/** Half of the questions: two models that know nothing of each other and are right on half disagree on so many. */
const DISAGREEMENT = 0.5;

/** Plans; reads what is there and asks nothing. */
export async function planEvaluation(
  fs: FileSystem,
  { folder, header, task }: PreparedEvaluation,
  { model }: EvaluateRequest,
): Promise<EvaluationPlan> {
  const done = await doneSamples(fs, folder);
  const requests = missingRequests(header, task.questions, done);
  const wanted = requests.flatMap(({ settings }) => settings);
  const completion = wanted.reduce((sum, setting) => sum + mostTokens(setting, header.maxTokens), 0);
  const prompt = requests.reduce(
    (sum, request) => sum + maxPromptTokens([{ role: "user", content: request.prompt }]),
    0,
  );
  const worstCaseTokens = { prompt, completion };
  const usage = { promptTokens: prompt, completionTokens: worstCaseTokens.completion };
  const n = task.questions.length;
  const interval = wilsonInterval(n / 2, n);
  return {
    folder,
    evaluation: header,
    samples: n * header.samplesPerQuestion * header.settings.length,
    done: done.size,
    calls: requests.length,
    worstCaseTokens,
    worstCaseUsd: model.kind === "endpoint" ? tokenCost(model.price, usage) / 1e6 : 0,
    maxUsd: model.kind === "endpoint" ? model.maxMicroUsd / 1e6 : null,
    halfWidth: interval === null ? null : (interval[1] - interval[0]) / 2,
    detectableDifference: Math.min(
      1,
      errorsForPower({ alpha: 0.05, degreesOfFreedom: n - 1 }) * Math.sqrt(DISAGREEMENT / n),
    ),
  };
}

/** Most tokens of one sample; rejection sampling may throw away all tries but the last. */
function mostTokens({ maxTries = 1, budgetTokens }: ThinkingSetting, maxTokens: number): number {
  return maxTokens + (maxTries - 1) * (budgetTokens + 1);
}
