import { dirname } from "node:path";
import { AppError } from "../core/errors.ts";
import { formatUsd } from "../ledger/money.ts";
import type { PriceOverride } from "../ledger/price-override.ts";
import type { LoadedRecipe } from "../pipeline/load-recipe.ts";
import { asksOthers } from "../pipeline/may-spend.ts";
import { type CostPlan, planCost } from "../pipeline/plan-cost.ts";
import { readPlanFacts } from "../pipeline/plan-facts.ts";
import { type PlannedStage, planRun } from "../pipeline/plan-run.ts";
import { obstaclesUpTo } from "../pipeline/run-pipeline.ts";
import type { RunRequest } from "../pipeline/run-request.ts";
import type { StageName } from "../schema/manifest.ts";
import type { CliContext } from "./context.ts";
import { describeCostPlan } from "./cost-plan-text.ts";

/** A run that is about to begin. */
export interface CostlyRun {
  readonly request: Omit<RunRequest, "signal">;
  readonly loaded: LoadedRecipe;
  readonly prices: readonly PriceOverride[];
  /** The user said yes beforehand. */
  readonly isSure: boolean;
}

/**
 * Shows what a run that can cost money will cost, and asks. One that cannot, or of which all that costs is done, passes
 * in silence.
 *
 * @throws AppError whatever stands in the way, before anybody is asked; "usage" where there is nobody to ask;
 *   "interrupted" where the answer is no.
 */
export async function confirmCost(context: CliContext, run: CostlyRun): Promise<void> {
  const { request, loaded, prices, isSure } = run;
  if (!asksOthers(loaded.recipe)) return;
  const planned = await planRun(request, context.fs);
  const obstacle = obstaclesUpTo(planned, request.until);
  if (obstacle !== undefined) throw obstacle;
  if (!isAnythingToBuy(planned, request)) return;
  const facts = await readPlanFacts(context.fs, {
    planned,
    recipe: loaded.recipe,
    recipeFolder: dirname(loaded.path),
    baseFolder: loaded.baseFolder,
    runFolder: request.folder,
    now: new Date(context.clock.date()),
    overrides: prices,
  });
  const plan = planCost(loaded.recipe, facts);
  if (plan.microUsd.p90 <= plan.spentMicroUsd) return;
  context.process.stderr.write(`${describeCostPlan(plan)}\n`);
  if (!isSure) await ask(context, plan);
}

const BUYING: readonly StageName[] = ["attempt", "trace", "grade", "train", "evaluate"];

function isAnythingToBuy(planned: readonly PlannedStage[], { until, retryFailed }: CostlyRun["request"]): boolean {
  const last = until === undefined ? planned.length : planned.findIndex(({ stage }) => stage === until) + 1;
  const open = planned.slice(0, last).some(({ stage, status }) => BUYING.includes(stage) && status !== "done");
  return open || retryFailed === true;
}

async function ask(context: CliContext, { capMicroUsd, spentMicroUsd }: CostPlan): Promise<void> {
  const left = formatUsd(Math.max(0, capMicroUsd - spentMicroUsd));
  if (!context.terminal.canAsk)
    throw new AppError("usage", `this run may spend ${left}, and there is no terminal to ask at`, {
      hint: "with --yes it runs without asking; `grappa plan` shows the same forecast",
      data: { capMicroUsd, spentMicroUsd },
    });
  context.process.stderr.write(`spend up to ${left}? y or n: `);
  const input = context.openInput();
  try {
    for await (const line of input) {
      if (/^y(es)?$/i.test(line.trim())) return;
      break;
    }
  } finally {
    input.close();
  }
  throw new AppError("interrupted", "nothing was asked and nothing spent", { hint: "--yes runs without asking" });
}
