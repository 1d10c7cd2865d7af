/**
 * @file List prices of others' work, each with the day it was looked up and where. The first ones are what a run on one's
 * own machine is held against; `LISTED_PRICES`, `BATCH_DISCOUNTS` and `FINE_TUNE_PRICES` are what the ledger and the plan
 * count with, beside `@pydantic/genai-prices`, which has none of their kind. A price without a source and a day has no
 * place here.
 *
 * Tokens: Google's pricing page as read on 2026-10-07, the others as in `@pydantic/genai-prices` 0.1.8 of 2026-09-23, which
 * transcribes the providers' pages. GPUs: the providers' pages as read on 2026-09-25 and 26.
 */

import type { TimedRates } from "./price-book.ts";

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

/** A list price that the package does not have, or not as finely. */
export interface ListPrice extends Dated {
  readonly provider: string;
  /** Names under which it is asked. */
  readonly models: readonly string[];
  /** Rates by the moment; the first hold always, of those that hold the last count. */
  readonly schedule: readonly [TimedRates, ...TimedRates[]];
}

/** DeepSeek's peak hours, 09 to 12 and 14 to 18 in Beijing from Monday to Friday, at twice the price of the others. */
function peakHours(inputPerMillion: number, outputPerMillion: number): ListPrice["schedule"] {
  const peak = { inputPerMillion: 2 * inputPerMillion, outputPerMillion: 2 * outputPerMillion, isWeekdaysOnly: true };
  return [
    { inputPerMillion, outputPerMillion },
    { ...peak, minutes: [60, 240] },
    { ...peak, minutes: [360, 600] },
  ];
}

/** DeepSeek's page as it stood when it named DeepSeek-V4.1-Flash-1017; the day is the earliest it can be. */
const DEEPSEEK = {
  provider: "deepseek",
  asOf: "2026-10-17",
  source: "https://api-docs.deepseek.com/quick_start/pricing",
};

export const LISTED_PRICES: readonly ListPrice[] = [
  {
    ...DEEPSEEK,
    // The two old names are served by it and billed as it.
    models: ["deepseek-flash", "deepseek-v4-flash", "deepseek-v4-flash-vision-exp"],
    schedule: peakHours(150_000, 600_000),
  },
  { ...DEEPSEEK, models: ["deepseek-v4-pro"], schedule: peakHours(660_000, 1_980_000) },
];

/** What a provider takes off in its batch API. */
export interface BatchDiscount extends Dated {
  readonly provider: string;
  /** Percent off the price of direct calls, input and output alike. */
  readonly percentOff: number;
}

/** A provider that is not here gives none that we know of. */
export const BATCH_DISCOUNTS: readonly BatchDiscount[] = [
  {
    provider: "google",
    percentOff: 50,
    asOf: "2026-10-07",
    source: "https://ai.google.dev/gemini-api/docs/pricing",
  },
  {
    provider: "openai",
    percentOff: 50,
    asOf: "2026-11-25",
    source: "https://platform.openai.com/docs/guides/batch",
  },
  {
    provider: "anthropic",
    percentOff: 50,
    asOf: "2026-11-25",
    source: "https://platform.claude.com/docs/en/build-with-claude/batch-processing",
  },
  {
    // "Up to 50 %", on some models and not on others: none is counted on.
    provider: "together",
    percentOff: 0,
    asOf: "2026-11-25",
    source: "https://docs.together.ai/docs/inference/batch/overview",
  },
];

/** What a provider takes for fine-tuning: by trained token, by the size of the student. */
export interface FineTunePrice extends Dated {
  readonly provider: "together" | "fireworks";
  readonly method: "full" | "lora";
  /** For students of at most so many billion parameters; the smallest bracket that holds the student counts. */
  readonly maxBillionParameters: number;
  /** Micro-dollars for a million trained tokens (tokens of the examples times epochs). */
  readonly perMillion: Range;
  readonly range: string;
  /** The least that a job costs, micro-dollars, and the day it was read; absent: none is known. */
  readonly minimum?: { readonly microUsd: number; readonly asOf: string };
}

/**
 * Supervised only. The page's range for a size ends with LoRA below and full preference tuning above; its price for a full
 * fine-tune follows from the totals read with it ($13.50 and $41 for 25 million tokens), for the largest size not even so.
 * "Each job is subject to a minimum charge of $4.00", from which its docs except some models.
 */
const TOGETHER = {
  provider: "together",
  asOf: "2026-05-08",
  source: "https://www.together.ai/pricing",
  minimum: { microUsd: 4_000_000, asOf: "2026-09-09" },
} as const;
const FIREWORKS = {
  provider: "fireworks",
  asOf: "2026-10-07",
  source: "https://fireworks.ai/pricing",
  range: "",
} as const;

/** Smallest students first. A plan counts with the dearer end of a range. */
export const FINE_TUNE_PRICES: readonly FineTunePrice[] = [
  { ...TOGETHER, method: "lora", maxBillionParameters: 16, perMillion: [480_000, 480_000], range: "" },
  { ...TOGETHER, method: "full", maxBillionParameters: 16, perMillion: [540_000, 540_000], range: "" },
  { ...TOGETHER, method: "lora", maxBillionParameters: 69, perMillion: [1_500_000, 1_500_000], range: "" },
  { ...TOGETHER, method: "full", maxBillionParameters: 69, perMillion: [1_650_000, 1_650_000], range: "" },
  { ...TOGETHER, method: "lora", maxBillionParameters: 100, perMillion: [2_900_000, 2_900_000], range: "" },
  {
    ...TOGETHER,
    method: "full",
    maxBillionParameters: 100,
    perMillion: [2_900_000, 8_000_000],
    range: "LoRA with examples to full with preferences",
  },
  { ...FIREWORKS, method: "lora", maxBillionParameters: 16, perMillion: [500_000, 500_000] },
  { ...FIREWORKS, method: "full", maxBillionParameters: 16, perMillion: [1_000_000, 1_000_000] },
  { ...FIREWORKS, method: "lora", maxBillionParameters: 80, perMillion: [3_000_000, 3_000_000] },
];
