import type { HttpHead } from "./http-endpoint.ts";
import type { RateLimitReport } from "./teacher.ts";

/** A provider may announce a window, not a month. */
const MAX_RESET_MS = 24 * 60 * 60_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * What a response says of the limits: `x-ratelimit-{remaining,reset}-{requests,tokens}` (OpenAI, Together, Fireworks, ...), or
 * `anthropic-ratelimit-{requests,tokens,output-tokens}-{remaining,reset}`. Fields it does not give, or in a form we do not
 * know, are absent.
 */
export function rateLimitReport({ header }: Pick<HttpHead, "header">, nowMs: number): RateLimitReport {
  const count = (...names: string[]): number | undefined => smallest(names.map((name) => wholeNumber(header(name))));
  const reset = (...names: string[]): number | undefined =>
    smallest(names.map((name) => durationMs(header(name), nowMs)));
  return withoutGaps({
    remainingRequests: count("x-ratelimit-remaining-requests", "anthropic-ratelimit-requests-remaining"),
    remainingTokens: count(
      "x-ratelimit-remaining-tokens",
      "anthropic-ratelimit-tokens-remaining",
      "anthropic-ratelimit-output-tokens-remaining",
    ),
    requestsResetMs: reset("x-ratelimit-reset-requests", "anthropic-ratelimit-requests-reset"),
    tokensResetMs: reset(
      "x-ratelimit-reset-tokens",
      "anthropic-ratelimit-tokens-reset",
      "anthropic-ratelimit-output-tokens-reset",
    ),
  });
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}

/** `1s`, `6m0s`, `120ms`, a number of seconds, or a moment as a date; undefined for anything else. */
function durationMs(text: string | undefined, nowMs: number): number | undefined {
  const plain = text?.trim() ?? "";
  if (plain === "" || plain.length > 64) return undefined;
  if (/^\d+(\.\d+)?$/.test(plain)) return clamp(Number(plain) * 1000);
  const parts = [...plain.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length > 0 && parts.map(([whole]) => whole).join("") === plain)
    return clamp(parts.reduce((sum, [, value, unit]) => sum + Number(value) * (UNITS[unit ?? ""] ?? 0), 0));
  const date = Date.parse(plain);
  return Number.isNaN(date) ? undefined : clamp(date - nowMs);
}

const clamp = (ms: number): number => Math.min(MAX_RESET_MS, Math.max(0, Math.ceil(ms)));

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function withoutGaps(report: { readonly [K in keyof RateLimitReport]-?: number | undefined }): RateLimitReport {
  return Object.fromEntries(Object.entries(report).filter(([, value]) => value !== undefined));
}
