/**
 * @file What a recipe will cost before it is run: `grappa plan`, and what `grappa run` shows before it asks. Pure: what is
 * known of the recipe's questions, earlier purchases and results comes in as facts (plan-facts.ts reads them).
 */
import { type Forecast, forecastRun, questionsWithin, type Spread } from "../ledger/forecast.ts";
import { drawWorlds } from "../ledger/forecast-world.ts";
import { formatUsd, microUsdFromUsd } from "../ledger/money.ts";
import { lengthCap, longestThinking } from "../curate/student-size.ts";
import { count, parameterCount } from "../report/number-format.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { PlanFacts, PlanFigure } from "./plan-figures.ts";
import { forecastFacts } from "./plan-rows.ts";
import { planTraining, type TrainingPlan } from "./plan-training.ts";
import { hubDataOf } from "./sources/source-places.ts";

/** The plan. Amounts in micro-dollars, times in seconds. */
export interface CostPlan extends Forecast {
  readonly recipe: string;
  /** The base that is fine-tuned. */
  readonly student: string;
  readonly questions: number;
  readonly capMicroUsd: number;
  /** Spent before, possibly paid requests included; part of `microUsd`. */
  readonly spentMicroUsd: number;
  /** Most that all requests in flight can hold at once. */
  readonly mostHeldMicroUsd: number;
  /** What the cap buys in nine cases of ten. */
  readonly buys: { readonly questions: number; readonly verified: Spread };
  readonly examplesWanted: number;
  /** Where the student could be trained; null for a small one that is trained here. */
  readonly training: TrainingPlan | null;
  readonly figures: readonly PlanFigure[];
  /** What a run reads from the hub: the plan asked for none of it. */
  readonly hubData: readonly string[];
  /** What a person should know before starting; each a sentence. */
  readonly warnings: readonly string[];
  /** How the numbers came about. */
  readonly method: string;
}

const METHOD =
  "p50 and p90 over 1,000 simulated runs, seeded: measured means by studentised bootstrap, shares by their posterior (Jeffreys), assumed ones log-normal between their figures; a question's samples are taken to be all right or all wrong, which is the dearer case";

/**
 * The plan of a recipe.
 * @throws {AppError} `recipe-invalid`: a price is not known. `usage`: an override for a model that is not asked.
 */
export function planCost(recipe: Recipe, facts: PlanFacts): CostPlan {
  const {
    forecast: known,
    figures,
    mostHeldMicroUsd,
    dearestReplyMicroUsd,
    strayMicroUsd,
  } = forecastFacts(recipe, facts);
  const worlds = drawWorlds(known);
  const forecast = withStray(forecastRun(known, worlds), strayMicroUsd);
  const capMicroUsd = microUsdFromUsd(recipe.maxUsd);
  const spentMicroUsd = facts.purchases.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0);
  const plan = {
    ...forecast,
    recipe: recipe.name,
    student: recipe.student.base,
    questions: known.questions,
    capMicroUsd,
    spentMicroUsd,
    mostHeldMicroUsd,
    buys: questionsWithin(known, Math.max(0, capMicroUsd - strayMicroUsd), worlds),
    examplesWanted: known.examples,
    training: planTraining(recipe, facts, forecast.rows),
    figures,
    hubData: hubDataOf(recipe),
    method: METHOD,
  };
  return { ...plan, warnings: [...warningsOf(plan, dearestReplyMicroUsd), ...curationWarnings(recipe, facts)] };
}

/** Money spent on what the recipe no longer asks for is spent all the same. */
function withStray(forecast: Forecast, strayMicroUsd: number): Forecast {
  const { p50, p90, mean } = forecast.microUsd;
  return {
    ...forecast,
    microUsd: { p50: p50 + strayMicroUsd, p90: p90 + strayMicroUsd, mean: mean + strayMicroUsd },
  };
}

/** Dollars to the cent, up: a plan must not promise less than it found. */
export function upToCent(microUsd: number): number {
  return Math.ceil(microUsd / 10_000) * 10_000;
}

function warningsOf(plan: Omit<CostPlan, "warnings">, dearestReplyMicroUsd: number): string[] {
  const { capMicroUsd, microUsd, buys, questions, verified, examplesWanted, spentMicroUsd } = plan;
  const cap = formatUsd(capMicroUsd);
  const warnings: string[] = [];
  if (dearestReplyMicroUsd > capMicroUsd - spentMicroUsd && microUsd.p50 > spentMicroUsd)
    warnings.push(
      `one reply may cost ${formatUsd(dearestReplyMicroUsd)}, and ${formatUsd(Math.max(0, capMicroUsd - spentMicroUsd))} of maxUsd is left: it would not be asked for`,
    );
  if (microUsd.p90 > capMicroUsd)
    warnings.push(
      `p90 is ${formatUsd(upToCent(microUsd.p90))} and maxUsd ${cap}: the run would stop at the cap; ${count(buys.questions)} of ${count(questions)} questions fit; raise maxUsd, or collect fewer questions`,
    );
  if (verified.p50 < examplesWanted)
    warnings.push(
      `about ${count(verified.p50)} right traces are expected and select.count asks for ${count(examplesWanted)}: collect more questions`,
    );
  return warnings;
}

/** What the recipe's selection may do to its student, and what the plan cannot know of it. */
function curationWarnings(recipe: Recipe, facts: PlanFacts): string[] {
  const { studentParameters } = facts;
  const { select, difficulty } = recipe;
  const warnings: string[] = [];
  const cap = studentParameters === undefined ? undefined : lengthCap(studentParameters);
  const longest = longestThinking(recipe);
  if (studentParameters !== undefined && cap !== undefined && longest > cap && select.longShare === undefined)
    warnings.push(
      `a student of ${parameterCount(studentParameters)} parameters is to learn from up to ${count(longest)} tokens of thinking; small students got worse on long traces, and grappa's rule of thumb for this size is ${count(cap)}: lower select.maxThinkingTokens, or mix short and long traces with select.longShare`,
    );
  if (difficulty.keep === "pass-rate")
    warnings.push(
      "how many questions are within difficulty.passRate is not known beforehand: the plan counts traces for all of them, and fewer are bought",
    );
  return warnings;
}
