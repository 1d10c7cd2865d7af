/** @file What a provider takes for a fine-tune. */
import { AppError } from "../core/errors.ts";
import { FINE_TUNE_PRICES, type FineTunePrice } from "./dated-prices.ts";
import { formatUsd, microUsdFromUsd } from "./money.ts";

/** What decides the price of a fine-tune. */
export interface FineTuneOrder {
  readonly provider: FineTunePrice["provider"];
  readonly method: FineTunePrice["method"];
  /** The student's base, as the provider names it; its size is read from the name. */
  readonly base: string;
  /** The recipe's own price; beats the table. */
  readonly givenUsdPerMillion?: number | undefined;
}

/** Dollars for trained tokens, with day and source. */
export interface FineTuneRate {
  /** Micro-dollars for a million trained tokens, epochs counted; the dearer end where only a range is known. */
  readonly perMillion: number;
  /** The least that a job costs, micro-dollars, and the day it was read; absent: there is none, or none is known. */
  readonly minimum?: { readonly microUsd: number; readonly asOf: string };
  readonly asOf: string;
  readonly source: string;
}

/**
 * The price of a fine-tune.
 * @throws {AppError} `recipe-invalid`: nobody knows it.
 */
export function fineTuneRate({ provider, method, base, givenUsdPerMillion }: FineTuneOrder): FineTuneRate {
  if (givenUsdPerMillion !== undefined)
    return { perMillion: microUsdFromUsd(givenUsdPerMillion), asOf: "as given", source: "recipe" };
  const size = billionParameters(base);
  const row = FINE_TUNE_PRICES.find(
    (one) =>
      one.provider === provider && one.method === method && size !== undefined && size <= one.maxBillionParameters,
  );
  if (row !== undefined) {
    const { perMillion, minimum, asOf, source } = row;
    return { perMillion: perMillion[1], asOf, source, ...(minimum === undefined ? {} : { minimum }) };
  }
  throw new AppError("recipe-invalid", `no price is known for a ${method} fine-tune of "${base}" at ${provider}`, {
    hint:
      size === undefined
        ? "its name tells no size such as 7B: give student.hosted.trainUsdPerMillion"
        : "give student.hosted.trainUsdPerMillion",
    data: { provider, method, base },
  });
}

/** Billions of parameters by a model's name: 7 of `Qwen/Qwen2.5-7B-Instruct`, 30 of `Qwen3-30B-A3B`. */
export function billionParameters(model: string): number | undefined {
  const found = /(?:^|[^a-z0-9.])(\d{1,4}(?:\.\d{1,2})?)b(?:$|[^a-z0-9])/i.exec(model)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Micro-dollars for trained tokens, rounded up. */
export function fineTuneCost({ perMillion }: FineTuneRate, trainedTokens: number): number {
  return Number((BigInt(trainedTokens) * BigInt(perMillion) + 999_999n) / 1_000_000n);
}

/** Micro-dollars for a whole job of so many trained tokens: at least the minimum. */
export function orderCost(rate: FineTuneRate, trainedTokens: number): number {
  return Math.max(rate.minimum?.microUsd ?? 0, fineTuneCost(rate, trainedTokens));
}

/** The rate in words, with day and source. */
export function describeRate({ perMillion, minimum, source, asOf }: FineTuneRate): string {
  const least = minimum === undefined ? "" : `, at least ${formatUsd(minimum.microUsd)} a job`;
  return `${formatUsd(perMillion)} per million trained tokens${least} (${source}, ${asOf})`;
}
