/** @file What tokens cost: rates by prompt length and by the moment, and the exact cost of some tokens. Pure. */
import { AppError } from "../core/errors.ts";
import type { GivenPrice } from "../schema/endpoint.ts";
import type { FinishReason, Trace, Usage } from "../schema/records.ts";
import { formatUsd, microUsdFromUsd } from "./money.ts";
import type { ChatMessage } from "./request-key.ts";

/** Provider name of the programmatic teacher that runs on this machine. */
export const BUILTIN_PROVIDER = "builtin";
/** Model name of the programmatic teacher: it says that it is no language model. */
export const BUILTIN_MODEL = "grappa-programmatic-teacher";

/** Micro-dollars for a million tokens. */
export interface Rates {
  /** For a million prompt tokens. */
  readonly inputPerMillion: number;
  /** For a million completion tokens, thinking included. */
  readonly outputPerMillion: number;
}

/** Rates of a long prompt: they hold for the whole request. */
export interface Tier extends Rates {
  /** For prompts of more tokens than this. */
  readonly abovePromptTokens: number;
}

/** Rates that begin on a day, or hold for some hours of each day. */
export interface TimedRates extends Rates {
  readonly tiers?: readonly Tier[];
  /** First day on which they hold, UTC, ISO 8601. */
  readonly from?: string;
  /** Minutes of the day, UTC, from the first up to the second; past midnight where the second is smaller. */
  readonly minutes?: readonly [from: number, to: number];
  /** Whether those minutes count on Saturday and Sunday (UTC) too. */
  readonly isWeekdaysOnly?: boolean;
}

/**
 * What a model's tokens cost, on a date, by a source. Its own rates are the dearest that can apply: what a hold counts
 * with. Where they depend on the moment, {@link priceAt} has those of a moment.
 */
export interface Price extends Rates {
  readonly provider: string;
  readonly model: string;
  /** Dearer rates of long prompts, shortest first, never falling. */
  readonly tiers?: readonly Tier[];
  /** Rates by the moment; of those that hold, the last counts. */
  readonly schedule?: readonly TimedRates[];
  /** Day on which the price was looked up, ISO 8601. */
  readonly asOf: string;
  readonly source: string;
}

const TOKENS = 1_000_000;

const BUILTIN_PRICE: Price = {
  provider: BUILTIN_PROVIDER,
  model: BUILTIN_MODEL,
  inputPerMillion: 0,
  outputPerMillion: 0,
  asOf: "2026-11-23",
  source: "free: runs on this machine",
};

/**
 * The price of a model that has no endpoint to look it up by: the one given, or the built-in teacher's.
 * @throws {AppError} `recipe-invalid`: neither. An unknown price is never taken to be zero.
 */
export function findPrice(provider: string, model: string, given?: GivenPrice): Price {
  if (given !== undefined) return givenPrice({ provider, model }, given, "recipe");
  if (provider === BUILTIN_PROVIDER && model === BUILTIN_MODEL) return BUILTIN_PRICE;
  throw unknownPrice({ provider, model });
}

/** A price that a person gave, in a recipe or on the command line. */
export function givenPrice(
  { provider, model }: Pick<Price, "provider" | "model">,
  { inputUsdPerMillion, outputUsdPerMillion }: GivenPrice,
  source: string,
): Price {
  return {
    provider,
    model,
    inputPerMillion: microUsdFromUsd(inputUsdPerMillion),
    outputPerMillion: microUsdFromUsd(outputUsdPerMillion),
    asOf: "as given",
    source,
  };
}

/** The error of a price that nobody knows; `aside` adds to its message. */
export function unknownPrice({ provider, model }: Pick<Price, "provider" | "model">, aside = ""): AppError {
  return new AppError("recipe-invalid", `no price is known for model "${model}" of provider "${provider}"${aside}`, {
    hint: `give its price: {inputUsdPerMillion: 0.6, outputUsdPerMillion: 2} in the recipe, or --price ${model}=0.6/2; 0 and 0 where it is your own server`,
    data: { provider, model },
  });
}

/** The price of the moment of a reply; it has no schedule any more. */
export function priceAt(price: Price, when: Date): Price {
  const { schedule, ...rest } = price;
  const rates = schedule?.filter((timed) => holdsAt(timed, when)).at(-1);
  if (rates === undefined) return rest;
  const { tiers: _dearest, ...named } = rest;
  const { inputPerMillion, outputPerMillion, tiers } = rates;
  return { ...named, inputPerMillion, outputPerMillion, ...(tiers && { tiers: rising(rates, tiers) }) };
}

/** Whether timed rates hold at a moment, others apart. */
export function holdsAt({ from, minutes, isWeekdaysOnly = false }: TimedRates, when: Date): boolean {
  if (from !== undefined && when.toISOString().slice(0, 10) < from) return false;
  if (minutes === undefined) return true;
  if (isWeekdaysOnly && [0, 6].includes(when.getUTCDay())) return false;
  const minute = when.getUTCHours() * 60 + when.getUTCMinutes();
  const [start, end] = minutes;
  return start <= end ? start <= minute && minute < end : minute >= start || minute < end;
}

/** The dearest of some rates at every prompt length. There must be one. */
export function dearest(all: readonly (Rates & { readonly tiers?: readonly Tier[] })[]): Rates & {
  readonly tiers?: readonly Tier[];
} {
  const starts = [...new Set(all.flatMap(({ tiers = [] }) => tiers.map(({ abovePromptTokens }) => abovePromptTokens)))];
  const top = (promptTokens: number): Rates => {
    const rates = all.map((one) => ratesFor(one, promptTokens));
    return {
      inputPerMillion: Math.max(...rates.map(({ inputPerMillion }) => inputPerMillion)),
      outputPerMillion: Math.max(...rates.map(({ outputPerMillion }) => outputPerMillion)),
    };
  };
  const base = top(0);
  const tiers = starts.map((abovePromptTokens) => ({ abovePromptTokens, ...top(abovePromptTokens + 1) }));
  return { ...base, ...(tiers.length > 0 && { tiers: rising(base, tiers) }) };
}

/** Tiers in order, none below the one before: a worst case counted with most prompt tokens is then one. */
function rising(base: Rates, tiers: readonly Tier[]): Tier[] {
  let { inputPerMillion, outputPerMillion } = base;
  return [...tiers]
    .sort((a, b) => a.abovePromptTokens - b.abovePromptTokens)
    .map((tier) => {
      inputPerMillion = Math.max(inputPerMillion, tier.inputPerMillion);
      outputPerMillion = Math.max(outputPerMillion, tier.outputPerMillion);
      return { abovePromptTokens: tier.abovePromptTokens, inputPerMillion, outputPerMillion };
    });
}

/** The rates of a request by the length of its prompt. */
export function ratesFor(price: Rates & { readonly tiers?: readonly Tier[] }, promptTokens: number): Rates {
  return price.tiers?.filter(({ abovePromptTokens }) => promptTokens > abovePromptTokens).at(-1) ?? price;
}

/** Whether nothing can ever be billed. */
export function isFree(price: Price): boolean {
  return [price, ...(price.tiers ?? []), ...(price.schedule ?? [])].every(
    ({ inputPerMillion, outputPerMillion }) => inputPerMillion === 0 && outputPerMillion === 0,
  );
}

/** The price in words: `free: runs on this machine`, or dollars per million tokens with date and source. */
export function describePrice(price: Price): string {
  if (isFree(price)) return price.source.startsWith("free") ? price.source : `free (${price.source})`;
  return `${describeRates(price)} (${price.source}, ${price.asOf})`;
}

/** The rates alone in words; `at most` where they depend on the moment. */
export function describeRates(price: Price): string {
  if (isFree(price)) return "free";
  const most = price.schedule === undefined ? "" : "at most ";
  return `${most}${formatUsd(price.inputPerMillion)} in, ${formatUsd(price.outputPerMillion)} out per million tokens`;
}

/**
 * Micro-dollars for the tokens of one request, exact and rounded up, so that a sum of requests is never below the bill.
 * With a price that has a schedule: at its dearest moment.
 */
export function tokenCost(price: Price, usage: Pick<Usage, "promptTokens" | "completionTokens">): number {
  const { inputPerMillion, outputPerMillion } = ratesFor(price, usage.promptTokens);
  const input = usage.promptTokens * inputPerMillion;
  const output = usage.completionTokens * outputPerMillion;
  if (Number.isSafeInteger(input + output)) return Math.ceil((input + output) / TOKENS);
  const sum =
    BigInt(usage.promptTokens) * BigInt(inputPerMillion) + BigInt(usage.completionTokens) * BigInt(outputPerMillion);
  return Number((sum + BigInt(TOKENS - 1)) / BigInt(TOKENS));
}

/** Ends after which there may be more than what was seen. */
const UNSEEN_AFTER: readonly FinishReason[] = ["length", "content_filter"];

/**
 * Micro-dollars of a reply at the price of its moment; its worst case where nobody counted what may be all of it: no usage
 * at all, or an estimate of a reply whose thinking was not seen, that used its whole limit, or of which a filter took a part.
 */
export function replyCost(
  {
    price,
    when,
    worstCaseMicroUsd,
  }: { readonly price: Price; readonly when: Date; readonly worstCaseMicroUsd: number },
  usage: Usage | null,
  reply?: Pick<Trace, "finishReason" | "provenance">,
): number {
  const isUnseen = reply !== undefined && (UNSEEN_AFTER.includes(reply.finishReason) || reply.provenance !== "raw");
  if (usage === null || (usage.isEstimated && isUnseen)) return worstCaseMicroUsd;
  return tokenCost(priceAt(price, when), usage);
}

/** Tokens that a chat template may put around each message, generously. */
const TEMPLATE_TOKENS_PER_MESSAGE = 64;

/**
 * Most prompt tokens that messages can have, without the provider's tokenizer: a token stands for at least one byte of
 * UTF-8 (byte-level BPE, SentencePiece with byte fallback), and a template adds a bounded number a message.
 */
export function maxPromptTokens(messages: readonly ChatMessage[]): number {
  const encoder = new TextEncoder();
  const bytes = messages.reduce((sum, { content }) => sum + encoder.encode(content).length, 0);
  return bytes + TEMPLATE_TOKENS_PER_MESSAGE * (messages.length + 1);
}
