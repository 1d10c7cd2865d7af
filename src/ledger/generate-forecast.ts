/**
 * @file What it takes to ask a model on rented GPUs: tokens, tokens a second, hours. Estimates, low to high; what is assumed says
 * so. Pure.
 *
 * @source the counting of 2 operations a parameter and token; the shares of the peak are assumed: vLLM on full batches is held up
 *   by memory, not by operations, and reaches a few hundredths. Nothing of it was measured on a GPU here.
 */
import type { ThinkingSetting } from "../schema/records.ts";
import type { Range } from "./dated-prices.ts";
import type { GpuKind } from "./gpu-offers.ts";
import type { StudentSize } from "./training-forecast.ts";

/** What is put to one model. */
export interface GenerateWork {
  readonly questions: number;
  /** Settings that one question is asked under; they share their thinking. */
  readonly settings: readonly ThinkingSetting[];
  /** Replies drawn beside these, each to its natural end. */
  readonly samples: number;
  /** Thinking to a natural end, tokens of one reply: typical and high; never past the context. */
  readonly thinkingTokens: Range;
  readonly contextTokens: number;
  readonly answerTokens: number;
}

/** Thinking that a swallowed end adds, as a share of the thinking before it; assumed. */
const MORE_A_WAIT: Range = [0.1, 0.5];
/** Share of the GPUs' peak that writing tokens reaches with full batches; assumed. */
export const ASSUMED_DECODE_SHARE: Range = [0.02, 0.1];
/** No server writes faster on one GPU, however small the model; assumed. */
const MOST_TOKENS_PER_SECOND: Range = [4_000, 12_000];
/** From a job's start to the first token, and for each further model: an environment, weights, warm-up; seconds, assumed. */
const START_SECONDS: Range = [120, 900];

/** Tokens that a model writes, low to high: the longest thinking of each question once, and an answer a setting. */
export function generatedTokens(work: GenerateWork): Range {
  const of = (end: 0 | 1): number => {
    const capped = (tokens: number): number => Math.min(tokens, work.contextTokens);
    const thinking = (setting: ThinkingSetting): number => {
      if (setting.mode === "direct") return 0;
      const natural = work.thinkingTokens[end] * (1 + setting.waits * MORE_A_WAIT[end]);
      return Math.min(capped(natural), setting.budgetTokens);
    };
    // Rejection's tries are whole replies, and stricter caps go on drawing where laxer ones stopped.
    const rejected = Math.max(
      0,
      ...work.settings.filter(isRejection).map((each) => triesOf(each, end) * thinking(each)),
    );
    const greedy = work.settings.filter((each) => !isRejection(each));
    // A wait's thinking goes on from the natural end's, and a cap's is where that one is cut; silent ones go their own way.
    const longest = Math.max(0, ...greedy.filter(({ silent }) => !silent).map(thinking));
    const silent = greedy.filter((each) => each.silent).map(thinking);
    const own = silent.reduce((sum, tokens) => sum + Math.max(0, tokens - capped(work.thinkingTokens[end])), 0);
    const drawn = work.samples * capped(work.thinkingTokens[end]);
    const answers = (work.settings.length + work.samples) * work.answerTokens;
    return Math.ceil(work.questions * (longest + own + drawn + rejected + answers));
  };
  return [of(0), of(1)];
}

const isRejection = ({ maxTries }: ThinkingSetting): boolean => maxTries !== undefined;
/** The first try may be short enough, or none. */
const triesOf = ({ maxTries = 1 }: ThinkingSetting, end: 0 | 1): number => (end === 0 ? 1 : maxTries);

/** Tokens a second of a server on so many GPUs, slow to fast; assumed. */
export function tokensPerSecond({ parameters }: Pick<StudentSize, "parameters">, kind: GpuKind, gpus: number): Range {
  const rate = (end: 0 | 1): number =>
    gpus * Math.min(MOST_TOKENS_PER_SECOND[end], (kind.peak * ASSUMED_DECODE_SHARE[end]) / (2 * parameters));
  return [rate(0), rate(1)];
}

/** Hours of a job that asks several models one after the other. */
export function generateHours(
  works: readonly GenerateWork[],
  {
    size,
    kind,
    gpus,
  }: { readonly size: Pick<StudentSize, "parameters">; readonly kind: GpuKind; readonly gpus: number },
): { readonly hours: Range; readonly tokens: Range; readonly tokensPerSecond: Range } {
  const all = works.map(generatedTokens);
  const tokens: Range = [all.reduce((sum, [low]) => sum + low, 0), all.reduce((sum, [, high]) => sum + high, 0)];
  const rate = tokensPerSecond(size, kind, gpus);
  const hours: Range = [
    (tokens[0] / rate[1] + works.length * START_SECONDS[0]) / 3600,
    (tokens[1] / rate[0] + works.length * START_SECONDS[1]) / 3600,
  ];
  return { hours, tokens, tokensPerSecond: rate };
}
