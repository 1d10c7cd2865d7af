/** @file A cost plan for people: a table by stage and model, what the cap buys, and what it all rests on. */
import { rentedTraining } from "../ledger/rented-training.ts";
import { billionParameters } from "../ledger/fine-tune-price.ts";
import type { ForecastRow, Spread } from "../ledger/forecast.ts";
import { formatUsd } from "../ledger/money.ts";
import { type CostPlan, upToCent } from "../pipeline/plan-cost.ts";
import type { PlanFigure } from "../pipeline/plan-figures.ts";
import { count, counted, duration } from "../report/number-format.ts";
import { printable } from "./printable.ts";
import { alignColumns } from "./text-table.ts";

/** The whole plan. */
export function describeCostPlan(plan: CostPlan): string {
  return [
    `cost of ${plan.recipe}: ${counted(plan.questions, "question")}, at most ${formatUsd(plan.capMicroUsd)} (maxUsd)`,
    "",
    ...table(plan),
    "",
    ...plan.warnings.map((warning) => `warning: ${warning}`),
    budgetLine(plan),
    ...rentedLine(plan),
    ...(plan.mostHeldMicroUsd > 0
      ? [`requests in flight hold up to ${roundUsd(plan.mostHeldMicroUsd)} until they are settled`]
      : []),
    ...(plan.spentMicroUsd > 0 ? [`${formatUsd(plan.spentMicroUsd)} of it is spent already; see grappa ledger`] : []),
    ...hubLines(plan),
    "",
    "what this rests on",
    ...alignColumns(plan.figures.map(figureCells), "lll"),
    plan.method,
  ]
    .map(printable)
    .join("\n");
}

const HEADINGS = ["stage", "who", "calls", "p90", "tokens in", "tokens out", "dollars", "p90", "time", "p90"];

function table(plan: CostPlan): string[] {
  const rows = plan.rows
    .filter(({ calls }) => calls.p90 > 0)
    .map((row) => [
      row.stage,
      row.name,
      ...pair(row.calls, count),
      ...tokens(row),
      ...money(row),
      ...time(row.seconds),
    ]);
  const total = ["total", "", "", "", "", "", ...money(plan), ...pair(plan.seconds, duration)];
  return alignColumns([HEADINGS, ...rows, total], "llrrrrrrrr");
}

const pair = ({ p50, p90 }: Spread, write: (value: number) => string): string[] => [write(p50), write(p90)];

const tokens = ({ promptTokens, completionTokens }: ForecastRow): string[] => [
  promptTokens.p50 === 0 ? "–" : count(promptTokens.p50),
  completionTokens.p50 === 0 ? "–" : count(completionTokens.p50),
];

const money = ({ microUsd }: Pick<ForecastRow, "microUsd">): string[] =>
  microUsd.p90 === 0 ? ["free", "free"] : pair(microUsd, roundUsd);

/** Work on this machine and others' fine-tunes are not forecast. */
const time = (seconds: Spread | null): string[] => (seconds === null ? ["–", "–"] : pair(seconds, duration));

const roundUsd = (microUsd: number): string => formatUsd(upToCent(microUsd));

function budgetLine({ buys, questions, microUsd, capMicroUsd }: CostPlan): string {
  const traces = `about ${count(buys.verified.p50)} right traces`;
  if (microUsd.p90 === 0) return `nothing costs money; ${traces} are expected`;
  const fits =
    buys.questions === questions ? `all ${counted(questions, "question")}` : counted(buys.questions, "question");
  return `${formatUsd(capMicroUsd)} buys, in nine cases of ten, ${fits}: ${traces}`;
}

/** What a run fetches first, by data set; the plan itself asks nobody. */
function hubLines({ hubData }: CostPlan): string[] {
  if (hubData.length === 0) return [];
  const parts = new Map<string, string[]>();
  for (const reference of hubData) {
    const [, whole = reference, part] = /^(hf:[^:]+):(.*)$/.exec(reference) ?? [];
    parts.set(whole, [...(parts.get(whole) ?? []), ...(part === undefined ? [] : [part])]);
  }
  const lines = [...parts].map(([whole, names]) => `  ${[whole, names.join(", ")].filter(Boolean).join(": ")}`);
  return ["", "needs from the hub when it runs (HF_ENDPOINT, HF_TOKEN)", ...lines];
}

/** What the fine-tune would take on rented GPUs, where it is paid for by the token. */
function rentedLine({ rows, student }: CostPlan): string[] {
  const training = rows.find(({ stage, microUsd }) => stage === "train" && microUsd.p90 > 0);
  const size = billionParameters(student);
  if (training === undefined || size === undefined) return [];
  const { gpuHours, usd, utilisation } = rentedTraining(size, training.completionTokens.p50);
  const [low, high] = [usd[0], usd[1]].map((one) => `$${one.toFixed(2)}`);
  const share = utilisation.map((one) => `${Math.round(100 * one)} %`).join(" to ");
  return [
    `the fine-tune on rented H100s instead: ${gpuHours[0].toFixed(1)} to ${gpuHours[1].toFixed(1)} GPU-hours, ${low} to ${high} (6 operations a parameter and token, ${share} of the peak; assumed)`,
  ];
}

function figureCells({ what, value, knownBy }: PlanFigure): string[] {
  switch (knownBy.type) {
    case "measured":
      return [what, value, `measured, n = ${count(knownBy.n)}`];
    case "estimated":
      return [what, value, `estimated, n = ${count(knownBy.n)}`];
    case "published":
      return [what, value, `published, ${knownBy.asOf}`];
    case "recipe":
      return [what, value, "as given"];
    case "assumed":
      return [what, value, "assumed"];
    default:
      return knownBy satisfies never;
  }
}
