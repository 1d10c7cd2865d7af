import type { Dated, Range } from "./dated-prices.ts";

/** Questions of a benchmark, and the thinking tokens a question of each evaluated setting, on average. */
interface Benchmark {
  readonly name: string;
  readonly questions: number;
  /** Thinking to its natural end, once (Tables 12 to 14, no control). */
  readonly naturalTokens: number;
  /** Every point of its curve in Figure 1: the caps, then where they end, with "Wait" for AIME24. */
  readonly curveTokens: readonly number[];
}

/** Where the quantities are from. */
export const S1_PAPER: Dated = { asOf: "2025-03-01", source: "arXiv 2501.19393 v3" };

/** A prompt is the bare question; the paper does not say how long they are, so this is assumed. */
export const ASSUMED_PROMPT_TOKENS = 300;

/** s1K: 1,000 traces of 4.7 million tokens in all (Table 6). */
export const S1_TRACES = { count: 1_000, tokensEach: 4_700 } as const;

/** 26 minutes on 16 H100 (section 4.1). */
export const S1_FINE_TUNE = { gpus: 16, gpu: "H100", minutes: 26 } as const;

/** s1-32B's three benchmarks; the curves' tokens were read off the figure's vector data. */
export const S1_EVALUATION: readonly Benchmark[] = [
  {
    name: "AIME24",
    questions: 30,
    naturalTokens: 6_109,
    curveTokens: [500, 1_000, 2_000, 3_933, 5_300, 6_657, 7_319],
  },
  { name: "MATH500", questions: 500, naturalTokens: 3_298, curveTokens: [499, 984, 1_814, 2_868, 3_200] },
  { name: "GPQA Diamond", questions: 198, naturalTokens: 3_510, curveTokens: [500, 985, 1_742, 3_231, 4_649] },
];

/** GPU-hours of the fine-tune: 6.93. */
export function fineTuneGpuHours(): number {
  return (S1_FINE_TUNE.gpus * S1_FINE_TUNE.minutes) / 60;
}

/** Millions of prompt and of thinking tokens of the evaluation, from one pass over the benchmarks to every point of Figure 1. */
export function evaluationMillions(): { readonly input: Range; readonly output: Range } {
  const sum = (of: (benchmark: Benchmark) => number): number =>
    S1_EVALUATION.reduce((total, benchmark) => total + benchmark.questions * of(benchmark), 0) / 1e6;
  return {
    input: [sum(() => ASSUMED_PROMPT_TOKENS), sum(({ curveTokens }) => curveTokens.length * ASSUMED_PROMPT_TOKENS)],
    output: [
      sum(({ naturalTokens }) => naturalTokens),
      sum(({ curveTokens }) => curveTokens.reduce((total, tokens) => total + tokens, 0)),
    ],
  };
}

/**
 * The only dollars that were ever published of s1, and not by its authors: an upper bound for the fine-tune alone. The
 * paper gives GPU time and no dollars.
 */
export const S1_PUBLISHED = {
  what: "s1's fine-tune, as the press gave it; the paper gives GPU time and no dollars",
  usdBelow: 50,
  asOf: "2025-02-05",
  source: "TechCrunch",
} as const;
