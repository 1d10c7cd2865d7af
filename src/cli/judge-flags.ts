/** @file Flags that name the judge of a task that needs one. */
import { readApiKey } from "../adapters/teacher/openai-compatible.ts";
import { AppError } from "../core/errors.ts";
import { parseUsd } from "../ledger/money.ts";
import { findPrice, isFree, type Price } from "../ledger/price-book.ts";
import type { JudgeOptions } from "../pipeline/evaluation/endpoint-judge.ts";
import { plainText } from "./flags.ts";

/** Flags of a judge as they were given. */
export interface JudgeFlags {
  readonly judgeEndpoint?: string;
  readonly judgeModel?: string;
  readonly judgeKeyEnv?: string;
  readonly judgeInputPrice?: number;
  readonly judgeOutputPrice?: number;
  readonly judgeMaxUsd?: number;
}

const text = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: plainText, brief, optional: true, placeholder }) as const;
const usd = (brief: string) =>
  ({ kind: "parsed", parse: parseUsd, brief, optional: true, placeholder: "USD" }) as const;

/** See {@link JudgeFlags}. */
export const judgeFlags = {
  judgeEndpoint: text("for a task that is graded by a judge: its OpenAI-compatible endpoint", "URL"),
  judgeModel: text("the judge's name there", "NAME"),
  judgeKeyEnv: text("environment variable that holds the judge's key", "NAME"),
  judgeInputPrice: usd("dollars for a million of the judge's prompt tokens"),
  judgeOutputPrice: usd("dollars for a million of its completion tokens"),
  judgeMaxUsd: usd("never spend more than this on the judge"),
} as const;

const JUDGES_AT_ONCE = 8;

/**
 * The judge that the flags name; undefined where they name none.
 *
 * @throws AppError "usage" where something is missing: model, price, cap, or the variable that holds the key.
 */
export function judgeOptions(
  flags: JudgeFlags,
  secrets: (name: string) => string | undefined,
): JudgeOptions | undefined {
  const { judgeEndpoint: baseUrl, judgeModel: model, judgeKeyEnv: keyEnv } = flags;
  if (baseUrl === undefined && model === undefined) return undefined;
  if (baseUrl === undefined || model === undefined)
    throw new AppError("usage", "a judge has an endpoint and a model", {
      hint: "give --judge-endpoint URL and --judge-model NAME",
    });
  const price = givenPrice(model, {
    input: flags.judgeInputPrice,
    output: flags.judgeOutputPrice,
    names: "--judge-input-price and --judge-output-price",
  });
  return {
    baseUrl,
    model,
    price,
    maxMicroUsd: givenCap(price, flags.judgeMaxUsd, "--judge-max-usd"),
    concurrency: JUDGES_AT_ONCE,
    ...(keyEnv === undefined ? {} : { apiKey: readApiKey({ [keyEnv]: secrets(keyEnv) }, keyEnv) }),
  };
}

/** Prices as flags give them, micro-dollars for a million tokens. An unknown price is never taken to be zero. */
export function givenPrice(
  model: string,
  { input, output, names }: { input: number | undefined; output: number | undefined; names: string },
): Price {
  if (input === undefined || output === undefined)
    throw new AppError("usage", `no price is known for ${model}`, {
      hint: `give ${names}, dollars for a million tokens; 0 and 0 if the server is yours`,
    });
  return findPrice("openai-compatible", model, { inputUsdPerMillion: input / 1e6, outputUsdPerMillion: output / 1e6 });
}

/** The cap in micro-dollars; what is free needs none. */
export function givenCap(price: Price, cap: number | undefined, name: string): number {
  if (cap !== undefined) return cap;
  if (isFree(price)) return 0;
  throw new AppError("usage", "no limit is set on what this may cost", { hint: `give ${name}, for example 5` });
}
