/** @file What a provider's refusals and broken connections mean: the same for every API. Pure, but for reading headers. */
import { excerptOf } from "./excerpt.ts";
import type { HttpFailure, HttpResponse } from "./http-endpoint.ts";
import { rateLimitReport } from "./rate-limit-headers.ts";
import { retryAfterMs } from "./retry-after.ts";
import { TeacherError } from "./teacher.ts";

/** Statuses that no other request of the run can escape: bad key, no credit, unknown model or path. */
const RUN_REFUSED: Readonly<Record<number, string>> = {
  401: "check the key in the variable named by apiKeyEnv",
  402: "the account has no credit left; add some and run again: what is bought is kept",
  403: "the key may not use this model",
  404: "check baseUrl (up to and including /v1) and the model's name",
  405: "check baseUrl (up to and including /v1)",
};
const UNAVAILABLE = new Set([408, 409, 425, 429]);

/** Who refused, and when. */
export interface RefusalContext {
  /** What errors call it: `the teacher`, `the judge`. */
  readonly called: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** What a status outside 200 to 299 means. The body must be without the key already: see {@link redact}. */
export function refusal(response: HttpResponse, { called, nowMs }: RefusalContext): TeacherError {
  const { status, body } = response;
  const message = `${called} answered HTTP ${status}: ${excerptOf(body)}`;
  const data = { status };
  if (status >= 300 && status < 400) {
    return new TeacherError("run-refused", `${called} redirects (HTTP ${status}); redirects are not followed`, {
      data,
      hint: "give the address it redirects to as baseUrl",
    });
  }
  // OpenAI reports an empty account as 429, Anthropic as 400; no waiting cures it, and no other row escapes it.
  const isOutOfCredit =
    (status === 429 && body.includes('"insufficient_quota"')) ||
    (status === 400 && /credit balance is too low/i.test(body));
  // Google answers a bad key with 400.
  const isBadKey = status === 400 && /API_KEY_INVALID|API key not valid/.test(body);
  const hint = RUN_REFUSED[isOutOfCredit ? 402 : isBadKey ? 401 : status];
  if (hint !== undefined) return new TeacherError("run-refused", message, { data, hint });
  if (status < 500 && !UNAVAILABLE.has(status)) return new TeacherError("row-refused", message, { data });
  const asked = Math.max(retryAfterMs(response, nowMs), retryDelayInBody(body));
  return new TeacherError("unavailable", message, {
    data,
    retryAfterMs: asked,
    rateLimit: rateLimitReport(response, nowMs),
  });
}

/** Google's RetryInfo within an error's details, ms: `"retryDelay": "37s"`. */
function retryDelayInBody(body: string): number {
  const match = /"retryDelay"\s*:\s*"(\d{1,6}(?:\.\d+)?)s"/.exec(body);
  return match === null ? 0 : Math.min(10 * 60_000, Math.ceil(Number(match[1]) * 1000));
}

/** What an error that a provider reports within a reply's stream, after status 200, means: overload may pass. */
export function streamedRefusal(type: string, text: string, called: string): TeacherError {
  const message = `${called} broke its reply off: ${excerptOf(text)}`;
  const isPassing = /overload|rate.?limit|unavailable|timeout|server|internal|resource.?exhausted/i.test(
    `${type} ${text}`,
  );
  return new TeacherError(isPassing ? "broken" : "malformed", message, { data: { type: excerptOf(type) } });
}

/** Shorter keys are placeholders for servers that need none (`EMPTY`, `ollama`), and may be words of a trace. */
const MIN_SECRET_CHARACTERS = 16;

/** The text without the key, should a provider echo it: neither an error nor a record may hold it. */
export function redact(text: string, apiKey: string | undefined): string {
  if (apiKey === undefined || apiKey.length < MIN_SECRET_CHARACTERS) return text;
  return text.replaceAll(apiKey, "[key]");
}

/** What a connection that failed means. */
export function httpFault(
  { kind, message, wasSent, cause }: HttpFailure,
  origin: string,
  called: string,
): TeacherError {
  const details = { data: { origin }, cause };
  switch (kind) {
    case "aborted":
      return new TeacherError("interrupted", "the request was stopped", details);
    case "too-large":
      return new TeacherError("malformed", `${called}'s reply is too large: ${message}`, details);
    case "tls":
      return new TeacherError("run-refused", message, {
        ...details,
        code: "network",
        hint: `check the certificate of ${origin}`,
      });
    case "timeout":
      return new TeacherError("broken", message, details);
    case "network": {
      const hint = `is the server at ${origin} running and reachable?`;
      return new TeacherError(wasSent ? "broken" : "unavailable", message, { ...details, code: "network", hint });
    }
    default:
      return kind satisfies never;
  }
}
