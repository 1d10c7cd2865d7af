/** @file The part of a plan in which a launcher asks base and student: what it may take, and what is kept for it. Pure. */
import { attemptSettings } from "../evaluate/settings.ts";
import type { Range } from "../ledger/dated-prices.ts";
import type { JobTake } from "../ledger/forecast-facts.ts";
import { generateHours, type GenerateWork } from "../ledger/generate-forecast.ts";
import { gpuHourPrice } from "../ledger/gpu-price.ts";
import { microUsdFromUsd } from "../ledger/money.ts";
import type { StudentSize } from "../ledger/training-forecast.ts";
import { configuredGpusOnce } from "../ledger/training-shop.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { ThinkingSetting } from "../schema/records.ts";
import type { PlanFigure } from "./plan-figures.ts";
import { type Pass, passesOf } from "./stages/evaluation-passes.ts";

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
  const { count: questions, answerTokens } = recipe.evaluate;
  const passes = passesOf(recipe, recipe.tokenize.maxLength);
  const works = (["base", "student"] as const).map((model) => ({
    ...passWork(passes.filter(({ name }) => name === model)),
    ...lengthsOf(recipe),
    questions,
    answerTokens,
  }));
  return forecastWorks(recipe, size, works);
}

/** The base's tries at so many questions by the launcher; undefined as {@link forecastAsking}. */
export function forecastTries(
  recipe: Recipe,
  size: Pick<StudentSize, "parameters"> | undefined,
  questions: number,
): AskingForecast | undefined {
  const { answerTokens } = recipe.evaluate; // a launcher leaves as much room for the base's answers as the evaluation does
  const settings = attemptSettings(recipe.attempt);
  return forecastWorks(recipe, size, [{ ...lengthsOf(recipe), questions, settings, samples: 0, answerTokens }]);
}

/** What a plan counts it with: the slow end. */
export function takeOf({ tokens, hours, microUsd }: AskingForecast): JobTake {
  return { completionTokens: tokens[1], microUsd: microUsd[1], seconds: hours[1] * 3600 };
}

/** The pace that a forecast rests on. */
export function paceFigure({ gpus, gpu, tokensPerSecond: [slow, fast] }: AskingForecast): PlanFigure {
  return {
    what: `pace of asking on ${gpus} x ${gpu}`,
    value: `${Math.round(slow)} to ${Math.round(fast)} tokens a second; counted at the slow end`,
    knownBy: { type: "assumed" },
  };
}

function forecastWorks(
  recipe: Recipe,
  size: Pick<StudentSize, "parameters"> | undefined,
  works: readonly GenerateWork[],
): AskingForecast | undefined {
  const { launcher } = recipe.train;
  if (launcher === undefined || size === undefined || !isAskedByLauncher(recipe, size)) return undefined;
  const { kind, gpus } = configuredGpusOnce(launcher);
  const price = gpuHourPrice(launcher);
  if (kind === undefined || gpus === 0 || price === undefined) return undefined;
  const { hours, tokens, tokensPerSecond } = generateHours(works, { size, kind, gpus });
  const cost = (each: number): number => Math.ceil(each * gpus * price.microUsdPerGpuHour);
  return { gpus, gpu: kind.gpu, tokens, tokensPerSecond, hours, microUsd: [cost(hours[0]), cost(hours[1])] };
}

/** Greedy passes share their thinking; a sample and a rejection's tries have it for themselves. */
function passWork(passes: readonly Pass[]): Pick<GenerateWork, "settings" | "samples"> {
  const settings = passes.flatMap((pass) => pass.settings);
  const isSample = ({ temperature, maxTries }: ThinkingSetting): boolean =>
    temperature !== undefined && maxTries === undefined;
  return { settings: settings.filter((each) => !isSample(each)), samples: settings.filter(isSample).length };
}

function lengthsOf({ tokenize }: Recipe): Pick<GenerateWork, "thinkingTokens" | "contextTokens"> {
  const contextTokens = tokenize.maxLength;
  return {
    thinkingTokens: [contextTokens * ASSUMED_THINKING[0], contextTokens * ASSUMED_THINKING[1]],
    contextTokens,
  };
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
