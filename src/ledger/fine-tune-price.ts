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
  if (row !== undefined) return { perMillion: row.perMillion[1], asOf: row.asOf, source: row.source };
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

/** The rate in words, with day and source. */
export function describeRate({ perMillion, source, asOf }: FineTuneRate): string {
  return `${formatUsd(perMillion)} per million trained tokens (${source}, ${asOf})`;
}
