/** @file Results to view model: every word and figure of the report, once, before any markup. Pure. */
import { oneLine } from "./plain-text.ts";
import type { RunResults } from "./run-results.ts";
import { type ControlsView, controlsOf } from "./view/controls.ts";
import { type CostView, costOf } from "./view/cost.ts";
import type { DataTable } from "./view/data-table.ts";
import { type ExampleView, examplesOf, type TraceView, tracesOf } from "./view/examples.ts";
import { type FactsView, factsOf } from "./view/facts.ts";
import { type FunnelRow, funnelOf } from "./view/funnel.ts";
import { type Headline, headlineOf } from "./view/headline.ts";
import { knownLimits, teacherHonesty } from "./view/honesty.ts";
import { publishedTable } from "./view/published-results.ts";
import { type SweepView, sweepOf } from "./view/sweep.ts";
import { type TrainingView, trainingOf } from "./view/training.ts";
import { type WouldHaveCostView, wouldHaveCostOf } from "./view/would-have-cost.ts";

/** The report as plain, capped, unescaped text and numbers; the page and the Markdown are two ways to set it. */
export interface ReportView {
  readonly runId: string;
  readonly recipeName: string;
  readonly seed: number;
  readonly headline: Headline;
  readonly sweep: SweepView;
  readonly controls: ControlsView;
  readonly funnel: readonly FunnelRow[];
  readonly examples: readonly ExampleView[];
  readonly traces: readonly TraceView[];
  readonly training: TrainingView;
  readonly cost: CostView;
  readonly wouldHaveCost: WouldHaveCostView;
  readonly facts: FactsView;
  readonly teacher: string;
  readonly limits: readonly string[];
  readonly published: DataTable;
}

/** The view model of a run. */
export function reportView(results: RunResults): ReportView {
  return {
    runId: oneLine(results.runId),
    recipeName: oneLine(results.recipe.name),
    seed: results.recipe.seed,
    headline: headlineOf(results),
    sweep: sweepOf(results),
    controls: controlsOf(results),
    funnel: funnelOf(results.funnel),
    examples: examplesOf(results),
    traces: tracesOf(results),
    training: trainingOf(results),
    cost: costOf(results),
    wouldHaveCost: wouldHaveCostOf(results),
    facts: factsOf(results),
    teacher: teacherHonesty(results.recipe, results.provenance),
    limits: knownLimits(results),
    published: publishedTable(),
  };
}
