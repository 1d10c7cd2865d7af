/** @file From a recipe and what is known to the models that a forecast asks, each figure with how it is known. Pure. */
import { checkOverrides } from "../ledger/endpoint-price.ts";
import { fineTuneRate } from "../ledger/fine-tune-price.ts";
import { type AskedModel, type ForecastFacts, NOTHING_BOUGHT, type PlannedTraining } from "../ledger/forecast-facts.ts";
import { gpuHourPrice } from "../ledger/gpu-price.ts";
import { formatUsd } from "../ledger/money.ts";
import { type HostedStudent, isAsked, type Recipe } from "../schema/recipe.ts";
import type { LauncherFields } from "../schema/training-fields.ts";
import { ASSUMED } from "./plan-assumptions.ts";
import type { PlanFacts, PlanFigure } from "./plan-figures.ts";
import { AskedModels } from "./plan-models.ts";
import { forecastAsking, paceFigure, takeOf } from "./plan-asking.ts";
import { launchedRate, plannedSize } from "./plan-training.ts";
import { passesOf } from "./stages/evaluation-passes.ts";
import { baseEndpoint } from "./stages/hosted/base-endpoint.ts";

/** The facts of a forecast, and what a plan says beside it. */
export interface PlannedRows {
  readonly forecast: ForecastFacts;
  readonly figures: readonly PlanFigure[];
  /** Most that the requests of one role can hold at once, and one reply of the dearest. */
  readonly mostHeldMicroUsd: number;
  readonly dearestReplyMicroUsd: number;
  /** Spent on what the recipe no longer asks for. */
  readonly strayMicroUsd: number;
}

/**
 * What a forecast of a recipe is counted from.
 * @throws {AppError} `recipe-invalid`: a price is not known. `usage`: an override for a model that is not asked.
 */
export function forecastFacts(recipe: Recipe, facts: PlanFacts): PlannedRows {
  checkOverrides(facts.overrides ?? [], askedModels(recipe));
  const models = new AskedModels(recipe, facts);
  const { attempt, trace, judge, student } = recipe;
  const students = attempt.students.map((endpoint) =>
    models.endpoint(endpoint, { account: "attempt", assumed: ASSUMED.student, samples: attempt.samples }),
  );
  const stopsWhenRight = trace.stopWhenVerified;
  const teachers = [trace.teacher, ...trace.escalate].map((teacher, place): AskedModel => {
    if (teacher.type === "builtin") return models.builtin(teacher);
    if (teacher.type === "recorded") return models.recorded(teacher);
    const assumed = place === 0 ? ASSUMED.teacher : ASSUMED.laterTeacher;
    return models.endpoint(teacher, { account: "trace", assumed, samples: trace.samplesPerQuestion, stopsWhenRight });
  });
  const { unruledShare, judgedShare, doubtedShare } = facts.questions;
  const forecast: ForecastFacts = {
    questions: facts.questions.count,
    ...models.ownTries(),
    students,
    teachers,
    tracesAll: recipe.order === "s1",
    asksAll: recipe.difficulty.keep === "pass-rate",
    ...(judge !== undefined && { judge: models.endpoint(judge, { account: "judge", assumed: ASSUMED.judge }) }),
    ...(recipe.domain === "judge" && { judgeSorts: recipe.select.requireCorrect ? "right" : "traced" }),
    unruledShare,
    judgedShare: judge === undefined ? 0 : judgedShare,
    doubtedShare,
    examples: recipe.select.method === "all" ? facts.questions.count : recipe.select.count,
    training: plannedTraining(recipe, facts, models),
    ...(student.hosted === undefined && { ownReplies: ownReplies(recipe, facts, models) }),
    evaluation: student.hosted === undefined ? [] : paidEvaluation(recipe, models),
  };
  return { forecast, ...models.told() };
}

/** Names of all models that an override may be meant for. */
function askedModels({ attempt, trace, judge, student }: Recipe): string[] {
  const endpoints = [...attempt.students, trace.teacher, ...trace.escalate, ...(judge === undefined ? [] : [judge])];
  const asked = endpoints.flatMap((one) => (isAsked(one) ? [one.model] : []));
  return student.hosted === undefined ? asked : [...asked, student.base];
}

const here = ({ student }: Recipe): string => `${student.base}, here`;

function plannedTraining(recipe: Recipe, facts: PlanFacts, models: AskedModels): PlannedTraining {
  const { student, train } = recipe;
  if (student.hosted !== undefined) return paidTraining(recipe, student.hosted, models);
  return train.launcher === undefined ? ownTraining(recipe) : launchedTraining(recipe, train.launcher, facts, models);
}

/** GPUs by the hour, at the slow end of what is forecast. */
function launchedTraining(
  recipe: Recipe,
  launcher: LauncherFields,
  facts: PlanFacts,
  models: AskedModels,
): PlannedTraining {
  const { perMillion, start } = launchedRate(recipe, facts);
  const price = gpuHourPrice(launcher);
  if (price !== undefined)
    models.tell({
      what: `price of a GPU, ${launcher.type}`,
      value: `${formatUsd(price.microUsdPerGpuHour)} an hour`,
      knownBy: price.asOf === "as given" ? { type: "recipe" } : { type: "published", ...pick(price) },
    });
  return {
    ...ownTraining(recipe),
    name: `${launcher.type}, ${recipe.train.method}`,
    microUsdPerMillion: perMillion,
    startMicroUsd: start,
    ...models.job("train"),
  };
}

function ownTraining(recipe: Recipe): PlannedTraining {
  const { epochs } = recipe.train;
  const { maxLength } = recipe.tokenize;
  return { name: here(recipe), microUsdPerMillion: 0, epochs, maxLength, bought: NOTHING_BOUGHT };
}

/** Base and student under their settings, the student's samples for the vote, and rejection sampling. */
function ownReplies(recipe: Recipe, facts: PlanFacts, models: AskedModels): NonNullable<ForecastFacts["ownReplies"]> {
  const settings = passesOf(recipe, Number.POSITIVE_INFINITY).flatMap((pass) => pass.settings);
  const calls = recipe.evaluate.count * settings.length;
  const asking = forecastAsking(recipe, plannedSize(recipe, facts));
  if (asking === undefined) return { name: "base and student, here", calls };
  models.tell(paceFigure(asking));
  const name = `base and student, ${recipe.train.launcher?.type ?? ""}`;
  return { name, calls, job: { ...models.job("evaluate"), take: takeOf(asking) } };
}

function paidTraining(
  { student, train, tokenize }: Recipe,
  hosted: HostedStudent,
  models: AskedModels,
): PlannedTraining {
  const { method, trainUsdPerMillion: givenUsdPerMillion } = hosted;
  const rate = fineTuneRate({ provider: hosted.type, method, base: student.base, givenUsdPerMillion });
  models.tell({
    what: `fine-tune of ${student.base}, ${method}`,
    value: `${formatUsd(rate.perMillion)} per million trained tokens`,
    knownBy: rate.source === "recipe" ? { type: "recipe" } : { type: "published", ...pick(rate) },
  });
  const { minimum } = rate;
  if (minimum !== undefined)
    models.tell({
      what: `least price of a fine-tune at ${hosted.type}`,
      value: formatUsd(minimum.microUsd),
      knownBy: { type: "published", asOf: minimum.asOf, source: rate.source },
    });
  return {
    name: `${hosted.type}, ${method}`,
    microUsdPerMillion: rate.perMillion,
    ...(minimum === undefined ? {} : { minimumMicroUsd: minimum.microUsd }),
    epochs: train.epochs,
    maxLength: tokenize.maxLength,
    bought: models.boughtTraining(),
  };
}

const pick = ({ asOf, source }: { readonly asOf: string; readonly source: string }) => ({ asOf, source });

/** Base and student answer the same questions, once at their natural end and so often more for the vote. */
function paidEvaluation(recipe: Recipe, models: AskedModels): ForecastFacts["evaluation"] {
  const { count, samples } = recipe.evaluate;
  return ["base", "student"].map((name) => ({
    model: models.endpoint(
      { ...baseEndpoint(recipe), name },
      { account: "evaluate", assumed: ASSUMED.answer, called: name },
    ),
    calls: count * (1 + samples),
  }));
}
