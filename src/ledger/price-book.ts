import { AppError } from "../core/errors.ts";
import type { Usage } from "../schema/records.ts";
import { formatUsd, microUsdFromUsd } from "./money.ts";
import type { ChatMessage } from "./request-key.ts";

/** Provider name of the programmatic teacher that runs on this machine. */
export const BUILTIN_PROVIDER = "builtin";
/** Model name of the programmatic teacher: it says that it is no language model. */
export const BUILTIN_MODEL = "grappa-programmatic-teacher";

/** What a model's tokens cost, on a date, by a source. */
export interface Price {
  readonly provider: string;
  readonly model: string;
  /** Micro-dollars for a million prompt tokens. */
  readonly inputPerMillion: number;
  /** Micro-dollars for a million completion tokens, thinking included. */
  readonly outputPerMillion: number;
  /** Day on which the price was looked up, ISO 8601. */
  readonly asOf: string;
  readonly source: string;
}

/** Dollars for a million tokens, as a recipe writes them. */
export interface GivenPrice {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
}

const PRICE_BOOK: readonly Price[] = [
  {
    provider: BUILTIN_PROVIDER,
    model: BUILTIN_MODEL,
    inputPerMillion: 0,
    outputPerMillion: 0,
    asOf: "2026-11-23",
    source: "free: runs on this machine",
  },
];

/**
 * The price of a model: the recipe's own if it gives one, else the price book's.
 * @throws {AppError} `recipe-invalid`: neither knows it. An unknown price is never taken to be zero.
 */
export function findPrice(provider: string, model: string, given?: GivenPrice): Price {
  if (given !== undefined) {
    return {
      provider,
      model,
      inputPerMillion: microUsdFromUsd(given.inputUsdPerMillion),
      outputPerMillion: microUsdFromUsd(given.outputUsdPerMillion),
      asOf: "as given",
      source: "recipe",
    };
  }
  const known = PRICE_BOOK.find((price) => price.provider === provider && price.model === model);
  if (known !== undefined) return known;
  throw new AppError("recipe-invalid", `no price is known for model "${model}" of provider "${provider}"`, {
    hint: "give the teacher a price, such as {inputUsdPerMillion: 0.6, outputUsdPerMillion: 2}; 0 if it is yours",
    data: { provider, model },
  });
}

/** Whether a price is zero in both directions. */
export function isFree(price: Price): boolean {
  return price.inputPerMillion === 0 && price.outputPerMillion === 0;
}

/** The price in words: `free: runs on this machine`, or dollars per million tokens with date and source. */
export function describePrice(price: Price): string {
  if (isFree(price)) return price.source.startsWith("free") ? price.source : `free (${price.source})`;
  const rates = `${formatUsd(price.inputPerMillion)} in, ${formatUsd(price.outputPerMillion)} out per million tokens`;
  return `${rates} (${price.source}, ${price.asOf})`;
}

/** Micro-dollars for some tokens, rounded up, so that a sum of requests is never below the bill. */
export function tokenCost(price: Price, usage: Pick<Usage, "promptTokens" | "completionTokens">): number {
  const input = usage.promptTokens * price.inputPerMillion;
  const output = usage.completionTokens * price.outputPerMillion;
  return Math.ceil((input + output) / 1_000_000);
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
