import { formatUsd, microUsdFromUsd } from "../ledger/money.ts";
import { settingPhrase } from "../evaluate/settings.ts";
import type { EvaluationPlan } from "../pipeline/evaluation/plan-evaluation.ts";
import { count, counted } from "../report/number-format.ts";

/** A plan for people. */
export function describeEvaluationPlan(plan: EvaluationPlan): string {
  const { evaluation, samples, done, calls, worstCaseTokens, worstCaseUsd, maxUsd } = plan;
  const { task, model, settings, maxTokens, samplesPerQuestion } = evaluation;
  const cost =
    maxUsd === null
      ? "nothing: it runs on this machine"
      : `at most ${dollars(worstCaseUsd)}${maxUsd > 0 ? `, and --max-usd stops it at ${dollars(maxUsd)}` : ""}`;
  const tokens = `${count(worstCaseTokens.prompt)} of prompts and ${count(worstCaseTokens.completion)} of replies`;
  const points = (share: number | null): string => (share === null ? "–" : (100 * share).toFixed(1));
  return [
    `plan for ${plan.folder}`,
    `task       ${task.name} (${task.version}), ${counted(task.questions, "question")}, ${counted(samplesPerQuestion, "sample")} each`,
    `model      ${model.name} (${model.kind}), seed ${evaluation.seed}, at most ${count(maxTokens)} tokens a reply`,
    `settings   ${settings.map((setting) => settingPhrase(setting, maxTokens)).join("; ")}`,
    `samples    ${count(samples)}, of which ${count(done)} are there`,
    `calls      ${count(calls)}`,
    `tokens     at most ${tokens}`,
    `cost       ${cost}`,
    `precision  a 95 % interval of at most ± ${points(plan.halfWidth)} points with one sample a question`,
    `           a difference of ${points(plan.detectableDifference)} points between two models would be found 4 times in 5`,
  ].join("\n");
}

/** In full: a worst case must not be rounded down. */
function dollars(usd: number): string {
  return formatUsd(microUsdFromUsd(usd));
}
