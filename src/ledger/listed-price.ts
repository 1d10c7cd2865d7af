/**
 * @file List prices of `@pydantic/genai-prices`, from the data in the package alone: nothing is fetched. Its matching of
 * names is made stricter: a model that it only takes for a relative of another has no price here.
 */
import {
  calcPrice,
  type ConditionalPrice,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
} from "@pydantic/genai-prices";
import { LISTED_PRICES } from "./dated-prices.ts";
import { dearest, type Price, type Rates, type Tier, type TimedRates } from "./price-book.ts";

/** A listed price, or why there is none. */
export type ListedPrice =
  | { readonly type: "known"; readonly price: Price }
  | { readonly type: "unknown"; readonly nearest?: string };

/**
 * The list price of a provider's model.
 *
 * @param provider as the package names it.
 */
export function listedPrice(provider: string, model: string): ListedPrice {
  const own = LISTED_PRICES.find((one) => one.provider === provider && one.models.includes(model));
  if (own !== undefined) {
    const { asOf, source, schedule } = own;
    return { type: "known", price: { provider, model, asOf, source, ...scheduled(schedule) } };
  }
  // It also works out a price of this moment, of no tokens: that is not looked at.
  const found = calcPrice({}, model, { providerId: provider })?.model;
  if (found === undefined) return { type: "unknown" };
  const schedule = isSameModel(model, found) ? readSchedule(found) : undefined;
  if (schedule === undefined) return { type: "unknown", nearest: found.id };
  const { asOf, source } = PACKAGE;
  return {
    type: "known",
    price: { provider, model, asOf, source: `${source}, ${provider}/${found.id}`, ...scheduled(schedule) },
  };
}

/** The data's own day: rates that a later day's had replaced by then are no longer charged. */
const PACKAGE = { asOf: "2026-09-23", source: "@pydantic/genai-prices 0.1.8" } as const;

/** What may follow a model's name and still mean that model: a date, a serial number, a stage of release. */
const VERSION = /^(?:[-@:](?:\d{2,8}|latest|preview|exp|v\d))*$/;

/** Whether the package's entry is of this very model, or of a dated version of it. */
function isSameModel(model: string, { id, match }: ModelInfo): boolean {
  const name = model.toLowerCase();
  return [id, id.replace(/-latest$/, ""), ...literals(match)]
    .map((known) => known.toLowerCase())
    .some((known) => name.startsWith(known) && VERSION.test(name.slice(known.length)));
}

function literals(match: MatchLogic): string[] {
  if ("or" in match) return match.or.flatMap(literals);
  if ("equals" in match) return [match.equals];
  return "starts_with" in match ? [match.starts_with] : [];
}

/** The rates of an entry by the moment; undefined where something else than tokens of text is billed, or nothing is said. */
function readSchedule({ prices }: ModelInfo): TimedRates[] | undefined {
  const entries: readonly ConditionalPrice[] = Array.isArray(prices) ? prices : [{ prices }];
  const schedule: TimedRates[] = [];
  for (const { constraint, prices: own } of entries) {
    const rates = readRates(own);
    if (rates === undefined) return undefined;
    if (constraint === undefined) schedule.push(rates);
    else if (constraint.type === "start_date") schedule.push({ ...rates, from: constraint.start_date });
    else schedule.push({ ...rates, minutes: [minuteOf(constraint.start_time), minuteOf(constraint.end_time)] });
  }
  const begun = schedule.findIndex((_, i) =>
    schedule.slice(i + 1).every(({ from }) => from === undefined || from > PACKAGE.asOf),
  );
  return schedule.slice(Math.max(0, begun));
}

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/** Prices for anything that a request of text cannot avoid, beside its tokens. */
const OTHER_CHARGES = ["requests_kcount", "output_reasoning_mtok", "output_citation_mtok"];

function readRates(prices: ModelPrice): (Rates & { readonly tiers?: readonly Tier[] }) | undefined {
  const { input_mtok: input, output_mtok: output } = prices;
  if (input === undefined || output === undefined || OTHER_CHARGES.some((name) => prices[name] !== undefined))
    return undefined;
  const starts = [input, output].flatMap((one) => (typeof one === "number" ? [] : one.tiers.map(({ start }) => start)));
  const rate = (one: typeof input, above: number): number =>
    microUsd(
      typeof one === "number" ? one : (one.tiers.filter(({ start }) => start <= above).at(-1)?.price ?? one.base),
    );
  const at = (above: number): Rates => ({ inputPerMillion: rate(input, above), outputPerMillion: rate(output, above) });
  const tiers = [...new Set(starts)].sort((a, b) => a - b).map((start) => ({ abovePromptTokens: start, ...at(start) }));
  return { ...at(-1), ...(tiers.length > 0 && { tiers }) };
}

/** Whole micro-dollars of listed dollars, never less; 0.29 * 1e6 is a hair off and must not become one more. */
const microUsd = (usd: number): number => Math.ceil(Number((usd * 1e6).toFixed(3)));

/** A price's rates: the dearest of the schedule, which is kept only where there is a choice. */
function scheduled(schedule: readonly TimedRates[]): Rates & Pick<Price, "tiers" | "schedule"> {
  return { ...dearest(schedule), ...(schedule.length > 1 && { schedule }) };
}
