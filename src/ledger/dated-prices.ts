/**
 * @file List prices of others' work, each with the day it was looked up and where: what a run on one's own machine is
 * held against. No request is ever billed by them (see price-book.ts). A price without a source and a day has no place here.
 *
 * Tokens: Google's pricing page as read on 2026-10-07, the others as in `@pydantic/genai-prices` 0.1.8 of 2026-09-23, which
 * transcribes the providers' pages. GPUs: the providers' pages as read on 2026-09-25 and 26.
 */

/** Lowest and highest of a quantity or a price; equal where only one is known. */
export type Range = readonly [low: number, high: number];

/** Where a figure is from, and the day it was read there. */
export interface Dated {
  /** ISO 8601. */
  readonly asOf: string;
  /** Address or name of what was read. */
  readonly source: string;
}

/** What a million tokens of a model cost. */
export interface TokenPrice extends Dated {
  readonly model: string;
  readonly provider: string;
  /** Micro-dollars for a million prompt tokens. */
  readonly inputPerMillion: Range;
  /** Micro-dollars for a million completion tokens, thinking included. */
  readonly outputPerMillion: Range;
  /** What makes a range of it, in a few words; empty for a single price. */
  readonly range: string;
}

/** What an hour of one GPU costs, on demand. */
export interface GpuPrice extends Dated {
  readonly gpu: string;
  readonly provider: string;
  /** Micro-dollars for one GPU and one hour. */
  readonly perHour: Range;
  readonly range: string;
}

const GOOGLE = { asOf: "2026-10-07", source: "https://ai.google.dev/gemini-api/docs/pricing" };
/** The collection, and the provider's page that it transcribes. */
const collected = (page: string): Dated => ({
  asOf: "2026-09-23",
  source: `${page}, as in @pydantic/genai-prices 0.1.8`,
});

/** Large models that could have shown their reasoning, cheapest first. */
export const TEACHER_PRICES: readonly TokenPrice[] = [
  {
    model: "GPT-6 Luna",
    provider: "OpenAI",
    inputPerMillion: [100_000, 100_000],
    outputPerMillion: [500_000, 500_000],
    range: "",
    ...collected("https://developers.openai.com/api/docs/models/gpt-6-luna"),
  },
  {
    model: "DeepSeek V4 Pro",
    provider: "DeepSeek",
    inputPerMillion: [660_000, 1_320_000],
    outputPerMillion: [1_980_000, 3_960_000],
    range: "off-peak to peak hours",
    ...collected("https://api-docs.deepseek.com/quick_start/pricing"),
  },
  {
    model: "Gemini 3.8 Flash",
    provider: "Google",
    inputPerMillion: [750_000, 1_500_000],
    outputPerMillion: [3_750_000, 7_500_000],
    range: "until 2026-12-31, and after",
    ...GOOGLE,
  },
  {
    model: "Claude Sonnet 5",
    provider: "Anthropic",
    inputPerMillion: [2_000_000, 2_000_000],
    outputPerMillion: [10_000_000, 10_000_000],
    range: "",
    ...collected("https://platform.claude.com/docs/en/about-claude/pricing"),
  },
  {
    model: "Gemini 3.1 Pro Preview",
    provider: "Google",
    inputPerMillion: [2_000_000, 2_000_000],
    outputPerMillion: [12_000_000, 12_000_000],
    range: "",
    ...GOOGLE,
  },
  {
    model: "GPT-5.5",
    provider: "OpenAI",
    inputPerMillion: [5_000_000, 5_000_000],
    outputPerMillion: [30_000_000, 30_000_000],
    range: "",
    ...collected("https://developers.openai.com/api/docs/models/gpt-5.5"),
  },
];

/** Hosted models of the size of s1's student: nobody sells s1-32B by the token, so its evaluation is priced by these. */
export const STUDENT_SIZE_PRICES: readonly TokenPrice[] = [
  {
    model: "Qwen3 32B",
    provider: "Groq",
    inputPerMillion: [290_000, 290_000],
    outputPerMillion: [590_000, 590_000],
    range: "",
    ...collected("https://console.groq.com/docs/models"),
  },
];

/** H100 with 80 GB, SXM, on demand, cheapest first. */
export const GPU_PRICES: readonly GpuPrice[] = [
  {
    gpu: "H100",
    provider: "RunPod",
    perHour: [2_690_000, 3_490_000],
    range: "community to secure cloud",
    asOf: "2026-09-25",
    source: "https://www.runpod.io/pricing",
  },
  {
    gpu: "H100",
    provider: "Lambda",
    perHour: [3_990_000, 3_990_000],
    range: "",
    asOf: "2026-09-25",
    source: "https://lambda.ai/pricing",
  },
  {
    gpu: "H100",
    provider: "Google Cloud",
    perHour: [10_979_100, 10_979_100],
    range: "",
    asOf: "2026-09-26",
    source: "Google Cloud billing catalogue, a3-highgpu-1g in us-central1",
  },
];
