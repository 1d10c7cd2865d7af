import { expect, it } from "vitest";
import { rateLimitReport } from "./rate-limit-headers.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z");
const report = (headers: Record<string, string>): unknown => rateLimitReport({ header: (name) => headers[name] }, NOW);

it.each([
  [{}, {}],
  [
    { "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1s" },
    { remainingRequests: 59, requestsResetMs: 1000 },
  ],
  [
    { "x-ratelimit-remaining-tokens": "149984", "x-ratelimit-reset-tokens": "6m0s" },
    { remainingTokens: 149984, tokensResetMs: 360_000 },
  ],
  [{ "x-ratelimit-reset-tokens": "120ms" }, { tokensResetMs: 120 }],
  [{ "x-ratelimit-reset-tokens": "1h2m3.5s" }, { tokensResetMs: 3_723_500 }],
  [{ "x-ratelimit-reset-requests": "2.5" }, { requestsResetMs: 2500 }],
  [
    {
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": "2026-11-25T12:00:30Z",
      "anthropic-ratelimit-tokens-remaining": "900",
      "anthropic-ratelimit-output-tokens-remaining": "80",
    },
    { remainingRequests: 0, requestsResetMs: 30_000, remainingTokens: 80 },
  ],
  [{ "x-ratelimit-reset-requests": "2026-11-25T11:00:00Z" }, { requestsResetMs: 0 }],
  [{ "x-ratelimit-remaining-requests": "-1", "x-ratelimit-reset-requests": "soon" }, {}],
  [{ "x-ratelimit-reset-tokens": "9999999d" }, { tokensResetMs: 86_400_000 }],
  [{ "x-ratelimit-reset-tokens": "1s; DROP" }, {}],
])("%j is %j", (headers, expected) => expect(report(headers)).toEqual(expected));
