/** @file The price of a recipe's endpoint: the one on the command line, else the recipe's, else the list's. */
import { AppError } from "../core/errors.ts";
import { type Endpoint, endpointName } from "../schema/endpoint.ts";
import { BATCH_DISCOUNTS } from "./dated-prices.ts";
import { type ListedPrice, listedPrice } from "./listed-price.ts";
import { givenPrice, type Price, type Rates, type Tier, unknownPrice } from "./price-book.ts";
import type { PriceOverride } from "./price-override.ts";
import { priceProvider } from "./price-provider.ts";

/** What else decides an endpoint's price. */
export interface PriceOptions {
  /** Bought through the provider's batch API, at its discount. A price that was given is taken for that of direct calls. */
  readonly batch?: boolean;
  /** Prices from the command line; they beat the recipe's. */
  readonly overrides?: readonly PriceOverride[];
}

/**
 * The price of an endpoint's tokens. Its own rates are those to hold with; see `priceAt` for those to settle with.
 * @throws {AppError} `recipe-invalid`: nobody knows it. It is never taken to be zero, on this machine neither.
 */
export function endpointPrice(endpoint: Endpoint, { batch = false, overrides = [] }: PriceOptions = {}): Price {
  const provider = priceProvider(endpoint);
  const price = directPrice(endpoint, provider, overrides);
  return batch && provider !== undefined ? discounted(price, provider) : price;
}

function directPrice(endpoint: Endpoint, provider: string | undefined, overrides: readonly PriceOverride[]): Price {
  const named = { provider: endpointName(endpoint), model: endpoint.model };
  const override = overrides.filter(({ model }) => model === endpoint.model).at(-1);
  if (override !== undefined) return givenPrice(named, override.price, "--price");
  if (endpoint.price !== undefined) return givenPrice(named, endpoint.price, "recipe");
  const listed: ListedPrice = provider === undefined ? { type: "unknown" } : listedPrice(provider, endpoint.model);
  if (listed.type === "known") return { ...listed.price, ...named };
  throw unknownPrice(named, listed.nearest === undefined ? "" : `; the price of ${listed.nearest} may be another`);
}

/** The price in a provider's batches. Rounded up: what is held must never be too little. */
function discounted(price: Price, provider: string): Price {
  const discount = BATCH_DISCOUNTS.find((one) => one.provider === provider);
  if (discount === undefined || discount.percentOff === 0) return price;
  const cheaper = <T extends Rates & { readonly tiers?: readonly Tier[] }>(rates: T): T => ({
    ...rates,
    inputPerMillion: Math.ceil((rates.inputPerMillion * (100 - discount.percentOff)) / 100),
    outputPerMillion: Math.ceil((rates.outputPerMillion * (100 - discount.percentOff)) / 100),
    ...(rates.tiers && { tiers: rates.tiers.map(cheaper) }),
  });
  return {
    ...cheaper(price),
    ...(price.schedule && { schedule: price.schedule.map(cheaper) }),
    source: `${price.source}, ${discount.percentOff} % off in batches`,
  };
}

/**
 * Refuses a `--price` for a model that nothing in the recipe asks: a misspelt one would change nothing.
 * @throws {AppError} `usage`.
 */
export function checkOverrides(overrides: readonly PriceOverride[], models: readonly string[]): void {
  const stray = overrides.find(({ model }) => !models.includes(model));
  if (stray === undefined) return;
  throw new AppError("usage", `--price names the model "${stray.model}", which the recipe does not ask`, {
    hint: `it asks: ${[...new Set(models)].join(", ") || "none that costs anything"}`,
    data: { model: stray.model, models },
  });
}
