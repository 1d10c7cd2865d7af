/** @file The training's part of a plan: what it is counted with for the total, and where else it could run. Pure. */
import type { Range } from "../ledger/dated-prices.ts";
import { billionParameters, type FineTuneRate, fineTuneRate, orderCost } from "../ledger/fine-tune-price.ts";
import type { ForecastRow } from "../ledger/forecast.ts";
import { gpuHourPrice } from "../ledger/gpu-price.ts";
import { sizeByParameters, type StudentSize, trainingHours, type TrainingWork } from "../ledger/training-forecast.ts";
import { configuredGpus, type TrainingWay, trainingWays } from "../ledger/training-shop.ts";
import type { Recipe } from "../schema/recipe.ts";
import { embeddedMemory, MAX_ENGINE_BYTES } from "../student/embedded-memory.ts";
import type { PlanFacts } from "./plan-figures.ts";
import { embeddedUse } from "./stages/embedded-training.ts";

/** A provider that trains by the token. */
export interface HostedWay {
  readonly name: string;
  readonly microUsd: Range;
  readonly asOf: string;
  readonly source: string;
}

/** The training of a plan. */
export interface TrainingPlan {
  readonly parameters: number;
  readonly method: TrainingWork["method"];
  /** Of all epochs: typical and high. */
  readonly trainedTokens: Range;
  readonly flops: Range;
  readonly meanLength: number;
  readonly longest: number;
  /** Whether examples were counted; otherwise lengths are as forecast, and the longest is tokenize.maxLength. */
  readonly isCounted: boolean;
  readonly ways: readonly TrainingWay[];
  readonly hosted: readonly HostedWay[];
  /** What the embedded engine would need of its memory; null where its configuration is not here, or it cannot do the method. */
  readonly embedded: { readonly bytes: number; readonly limitBytes: number } | null;
  /** What stands in the way of a forecast for the configured launcher; null: nothing. */
  readonly obstacle: string | null;
}

/** Below this a laptop trains, and there is nothing to shop for. */
const RENTED_FROM = 100e6;
/** What attention sees on average beyond the mean length, where only that is known: lengths of traces vary. */
const LENGTH_SPREAD = 1.3;

/** The student's size: by its configuration, else by the parameters that its name tells. */
export function plannedSize(
  { student }: Recipe,
  { studentShape, studentParameters }: PlanFacts,
): StudentSize | undefined {
  if (studentShape !== undefined) {
    const { layers, hiddenSize } = studentShape.config;
    return { parameters: studentShape.parameters, layers, hiddenSize, depthTimesWidth: layers * hiddenSize };
  }
  const billions = billionParameters(student.base);
  const parameters = studentParameters ?? (billions === undefined ? undefined : billions * 1e9);
  return parameters === undefined ? undefined : sizeByParameters(parameters);
}

/** The training's part of a plan; null where the student is small and trained here, or its size is not known. */
export function planTraining(recipe: Recipe, facts: PlanFacts, rows: readonly ForecastRow[]): TrainingPlan | null {
  const { launcher } = recipe.train;
  const size = plannedSize(recipe, facts);
  const row = rows.find(({ stage }) => stage === "train");
  const isElsewhere = launcher !== undefined || recipe.student.hosted !== undefined;
  if (size === undefined || row === undefined || row.completionTokens.p90 === 0) return null;
  if (!isElsewhere && size.parameters < RENTED_FROM) return null;
  const work = workOf(recipe, facts, row);
  const ways = trainingWays(size, work, launcher);
  const [any] = ways;
  const { flops } = any === undefined ? { flops: [0, 0] as const } : flopsOf(size, work);
  return {
    parameters: size.parameters,
    method: work.method,
    trainedTokens: work.tokens,
    flops,
    meanLength: Math.round(work.meanLength),
    longest: work.longest,
    isCounted: facts.examples !== undefined,
    ways,
    hosted: hostedWays(recipe, work),
    embedded: embeddedNeed(recipe, facts, work),
    obstacle: launcher === undefined || ways[0]?.isConfigured ? null : obstacleOf(launcher.type),
  };
}

function embeddedNeed(
  recipe: Recipe,
  { studentShape }: PlanFacts,
  { method, longest }: TrainingWork,
): TrainingPlan["embedded"] {
  if (studentShape === undefined || method === "qlora" || recipe.student.hosted !== undefined) return null;
  const known = { isBaseBf16: studentShape.isBf16, longestTokens: longest, threads: 1 };
  const { trainBytes } = embeddedMemory(studentShape.config, embeddedUse(recipe, known));
  return { bytes: trainBytes, limitBytes: MAX_ENGINE_BYTES };
}

const obstacleOf = (type: string): string =>
  `train.launcher does not say which GPUs it has: give train.launcher.gpu, such as "H100" (${type})`;

function workOf({ train, student, tokenize }: Recipe, { examples }: PlanFacts, row: ForecastRow): TrainingWork {
  const { microBatch, gradientCheckpointing } = train;
  const method = student.hosted?.method ?? train.method;
  const common = { method, microBatch, gradientCheckpointing };
  if (examples !== undefined) {
    const tokens = examples.tokens * train.epochs;
    const { meanTokens, longestTokens } = examples;
    return { ...common, tokens: [tokens, tokens], meanLength: meanTokens * LENGTH_SPREAD, longest: longestTokens };
  }
  const { completionTokens, calls } = row;
  const mean = completionTokens.p50 / Math.max(1, calls.p50);
  const meanLength = Math.min(tokenize.maxLength, mean * LENGTH_SPREAD);
  return { ...common, tokens: [completionTokens.p50, completionTokens.p90], meanLength, longest: tokenize.maxLength };
}

function flopsOf(size: StudentSize, work: TrainingWork): { readonly flops: Range } {
  return trainingHours(size, work, { kind: REFERENCE, gpus: 1 });
}
/** Operations do not depend on where they are done. */
const REFERENCE = { gpu: "", memoryBytes: 1, peak: 1, hasNvlink: true };

/** Providers that grappa can order a fine-tune from, at their listed price. */
function hostedWays({ student, train }: Recipe, { tokens, method }: TrainingWork): HostedWay[] {
  if (method === "qlora") return [];
  const given = student.hosted?.trainUsdPerMillion;
  const rate = knownRate({ provider: "together", method, base: student.base, givenUsdPerMillion: given });
  if (rate === undefined) return [];
  const microUsd: Range = [orderCost(rate, Math.ceil(tokens[0])), orderCost(rate, Math.ceil(tokens[1]))];
  const isConfigured = student.hosted !== undefined && train.launcher === undefined;
  const name = isConfigured ? "together, as configured" : "Together";
  return [{ name, microUsd, asOf: rate.asOf, source: rate.source }];
}

function knownRate(order: Parameters<typeof fineTuneRate>[0]): FineTuneRate | undefined {
  try {
    return fineTuneRate(order);
  } catch {
    return undefined; // nobody knows its price: it is not offered
  }
}

/** What the total counts a launched training with: micro-dollars for a million trained tokens at the slow end, and for its start. */
export function launchedRate(
  recipe: Recipe,
  facts: PlanFacts,
): { readonly perMillion: number; readonly start: number } {
  const { launcher, microBatch, gradientCheckpointing, method } = recipe.train;
  const size = plannedSize(recipe, facts);
  const price = launcher && gpuHourPrice(launcher);
  if (launcher === undefined || size === undefined || price === undefined) return FREE;
  const { kind, gpus } = configuredGpus(launcher);
  if (kind === undefined || gpus === 0) return FREE;
  const meanLength =
    facts.examples === undefined ? recipe.tokenize.maxLength / 2 : facts.examples.meanTokens * LENGTH_SPREAD;
  const work = { method, microBatch, gradientCheckpointing, meanLength, longest: recipe.tokenize.maxLength };
  const hours = (tokens: number): number =>
    trainingHours(size, { ...work, tokens: [tokens, tokens] }, { kind, gpus }).hours[1];
  const perHour = gpus * price.microUsdPerGpuHour;
  const start = hours(0) * perHour;
  return { perMillion: Math.ceil(hours(1e6) * perHour - start), start: Math.ceil(start) };
}

const FREE = { perMillion: 0, start: 0 };
