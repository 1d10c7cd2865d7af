/** @file A cost plan for people: a table by stage and model, what the cap buys, and what it all rests on. */
import type { Range } from "../ledger/dated-prices.ts";
import type { TrainingWay } from "../ledger/training-shop.ts";
import type { ForecastRow, Spread } from "../ledger/forecast.ts";
import { formatUsd } from "../ledger/money.ts";
import { type CostPlan, upToCent } from "../pipeline/plan-cost.ts";
import type { PlanFigure } from "../pipeline/plan-figures.ts";
import type { HostedWay } from "../pipeline/plan-training.ts";
import { count, counted, duration, parameterCount } from "../report/number-format.ts";
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
    ...(plan.mostHeldMicroUsd > 0
      ? [`requests in flight hold up to ${roundUsd(plan.mostHeldMicroUsd)} until they are settled`]
      : []),
    ...(plan.spentMicroUsd > 0 ? [`${formatUsd(plan.spentMicroUsd)} of it is spent already; see grappa ledger`] : []),
    ...trainingLines(plan),
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

const WAY_HEADINGS = ["where", "GPUs", "memory of each", "hours", "dollars", "price as of"];
/** More ways than this are left to --json. */
const SHOWN_WAYS = 8;

/** Where the student could be trained, and at what price: all estimated. */
function trainingLines({ training }: CostPlan): string[] {
  if (training === null) return [];
  const { parameters, method, trainedTokens, flops, longest, isCounted, ways, hosted, embedded, obstacle } = training;
  const left = ways.length - SHOWN_WAYS;
  return [
    "",
    `the fine-tune, estimated: ${parameterCount(parameters)} parameters, ${method}, ${range(trainedTokens, millions)} million tokens, longest example ${count(longest)}${isCounted ? "" : " at most"}; ${range(flops, exa)} EFLOP`,
    ...alignColumns([WAY_HEADINGS, ...ways.slice(0, SHOWN_WAYS).map(wayCells), ...hosted.map(hostedCells)], "llrrrl"),
    ...(left > 0 ? [`and ${count(left)} dearer; --json has them all`] : []),
    ...(embedded === null ? [] : [embeddedLine(embedded)]),
    ...(obstacle === null ? [] : [`warning: ${obstacle}`]),
    `6 operations a parameter and token (4 with adapters) and attention's; shares of the peak: over several GPUs 13 % to 22 % as s1's own fine-tunes, on one 30 % to 40 % (below a billion parameters 15 % to 30 %), assumed; 2 to 10 minutes to load and save`,
  ];
}

function embeddedLine({ bytes, limitBytes }: { readonly bytes: number; readonly limitBytes: number }): string {
  const need = `${(Math.ceil((bytes / 2 ** 30) * 10) / 10).toFixed(1)} of the 4 GiB that WebAssembly has`;
  return bytes <= limitBytes
    ? `the embedded engine holds it (${need}), on this machine and for nothing`
    : `the embedded engine does not hold it: it needs ${need}`;
}

function wayCells(way: TrainingWay): string[] {
  const { name, gpu, gpus, neededBytes, memoryBytes, fits, hours, microUsd, asOf } = way;
  const fit = { yes: "", tight: " (tight)", no: " (TOO SMALL)" }[fits];
  return [
    name,
    `${gpus} x ${gpu}`,
    `${range(neededBytes, gib)} of ${gib(memoryBytes)} GiB${fit}`,
    range(hours, (value) => value.toFixed(1)),
    microUsd[1] === 0 ? "your own" : range(microUsd, roundUsd),
    asOf,
  ];
}

const hostedCells = ({ name, microUsd, asOf }: HostedWay): string[] => [
  name,
  "theirs",
  "",
  "",
  range(microUsd, roundUsd),
  asOf,
];

function range([low, high]: Range, write: (value: number) => string): string {
  const [from, to] = [write(low), write(high)];
  return from === to ? from : `${from} to ${to}`;
}
const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(0);
const exa = (flops: number): string => (flops / 1e18).toPrecision(2);
const millions = (tokens: number): string => (tokens / 1e6).toFixed(1);

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
