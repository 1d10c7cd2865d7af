/** @file The part of a plan in which a launcher asks base and student: what it may take, and what is kept for it. Pure. */
import { evaluationSettings } from "../evaluate/settings.ts";
import type { Range } from "../ledger/dated-prices.ts";
import { generateHours, type GenerateWork } from "../ledger/generate-forecast.ts";
import { gpuHourPrice } from "../ledger/gpu-price.ts";
import { microUsdFromUsd } from "../ledger/money.ts";
import type { StudentSize } from "../ledger/training-forecast.ts";
import { configuredGpusOnce } from "../ledger/training-shop.ts";
import type { Recipe } from "../schema/recipe.ts";

/** What asking by a launcher takes, low to high; all of it estimated from assumed paces. */
export interface AskingForecast {
  readonly gpus: number;
  readonly gpu: string;
  /** Tokens that base and student write. */
  readonly tokens: Range;
  readonly tokensPerSecond: Range;
  readonly hours: Range;
  readonly microUsd: Range;
}

/** Larger students are not held by the embedded engine: a GiB of f32. */
const HELD_HERE_PARAMETERS = 2 ** 30 / 4;
/** Thinking to a natural end, as a share of the longest example that may be trained on; assumed. */
const ASSUMED_THINKING: Range = [0.1, 0.5];

/** Whether base and student are asked by the launcher, as far as their size tells; undefined size: not known. */
export function isAskedByLauncher(
  { train: { launcher }, evaluate: { on } }: Pick<Recipe, "train" | "evaluate">,
  size: Pick<StudentSize, "parameters"> | undefined,
): boolean {
  if (launcher === undefined || size === undefined || on === "embedded") return false;
  return on === "launcher" || size.parameters > HELD_HERE_PARAMETERS;
}

/** The evaluation by the launcher; undefined where it is asked here, or nobody knows the GPUs, their price or the student's size. */
export function forecastAsking(
  recipe: Recipe,
  size: Pick<StudentSize, "parameters"> | undefined,
): AskingForecast | undefined {
  const { launcher } = recipe.train;
  if (launcher === undefined || size === undefined || !isAskedByLauncher(recipe, size)) return undefined;
  const { kind, gpus } = configuredGpusOnce(launcher);
  const price = gpuHourPrice(launcher);
  if (kind === undefined || gpus === 0 || price === undefined) return undefined;
  const { hours, tokens, tokensPerSecond } = generateHours(worksOf(recipe), { size, kind, gpus });
  const cost = (each: number): number => Math.ceil(each * gpus * price.microUsdPerGpuHour);
  return { gpus, gpu: kind.gpu, tokens, tokensPerSecond, hours, microUsd: [cost(hours[0]), cost(hours[1])] };
}

function worksOf({ evaluate, tokenize }: Recipe): GenerateWork[] {
  const contextTokens = tokenize.maxLength;
  const { count: questions, samples, answerTokens } = evaluate;
  const thinkingTokens: Range = [contextTokens * ASSUMED_THINKING[0], contextTokens * ASSUMED_THINKING[1]];
  const common = { questions, thinkingTokens, contextTokens, answerTokens };
  const natural = { mode: "think", budgetTokens: contextTokens, waits: 0 } as const;
  return [
    { ...common, settings: [{ mode: "direct", budgetTokens: 0, waits: 0 }, natural], samples: 0 },
    { ...common, settings: evaluationSettings(evaluate, contextTokens), samples },
  ];
}

/**
 * Micro-dollars of the run's cap that a training leaves for the evaluation: its own cap, else the high end of its forecast, and
 * never more than half of what is left: a training that cannot end has nothing to evaluate.
 */
export function keptForAsking(
  recipe: Recipe,
  size: Pick<StudentSize, "parameters"> | undefined,
  leftMicroUsd: number,
): number {
  const forecast = forecastAsking(recipe, size);
  if (forecast === undefined) return 0;
  const { maxUsd } = recipe.evaluate;
  const wanted = maxUsd === undefined ? forecast.microUsd[1] : microUsdFromUsd(maxUsd);
  return Math.min(wanted, Math.floor(Math.max(0, leftMicroUsd) / 2));
}
