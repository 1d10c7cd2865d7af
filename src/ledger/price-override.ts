import { AppError } from "../core/errors.ts";
import type { GivenPrice } from "../schema/endpoint.ts";
import { parseUsd } from "./money.ts";

/** A price given on the command line. */
export interface PriceOverride {
  readonly model: string;
  readonly price: GivenPrice;
}

/**
 * Parses `MODEL=IN/OUT`, dollars for a million prompt and completion tokens: `deepseek-v4-pro=0.66/1.98`.
 * @throws {AppError} `usage`: another form.
 */
export function parsePriceOverride(text: string): PriceOverride {
  const equals = text.lastIndexOf("="); // a model's name may hold one
  const amounts = text.slice(equals + 1).split("/");
  const model = text.slice(0, Math.max(0, equals));
  const [input, output] = amounts;
  if (model === "" || amounts.length !== 2 || input === undefined || output === undefined) {
    throw new AppError("usage", `"${text.slice(0, 80)}" is not a price`, {
      hint: "write MODEL=IN/OUT, dollars for a million prompt and completion tokens, for example qwen3-8b=0.1/0.4",
    });
  }
  return {
    model,
    price: { inputUsdPerMillion: parseUsd(input) / 1e6, outputUsdPerMillion: parseUsd(output) / 1e6 },
  };
}
