/** @file What a provider's refusals and broken connections mean: the same for every API. Pure, but for reading headers. */
import { excerptOf } from "./excerpt.ts";
import type { HttpFailure, HttpResponse } from "./http-endpoint.ts";
import { rateLimitReport } from "./rate-limit-headers.ts";
import { retryAfterMs } from "./retry-after.ts";
import { fieldsOf, parseJson, textOf } from "./json-fields.ts";
import { TeacherError, type TeacherErrorDetails } from "./teacher.ts";

/** Statuses that no other request of the run can escape: bad key, no credit, unknown model or path. */
const RUN_REFUSED: Readonly<Record<number, string>> = {
  401: "check the key in the variable named by apiKeyEnv, or in apiKeyFile",
  402: "the account has no credit left; add some and run again: what is bought is kept",
  403: "the key may not use this model",
  404: "check baseUrl (up to and including /v1) and the model's name",
  405: "check baseUrl (up to and including /v1)",
};
const UNAVAILABLE = new Set([408, 409, 425, 429]);
/** A gateway gave up waiting: the model behind it may go on, and bill. */
const GATEWAY_TIMEOUT = new Set([504, 522, 524]);

/** What providers say under another status than the one that would tell what to do. */
const DISGUISED: readonly { readonly status: number; readonly text: RegExp; readonly means: number }[] = [
  { status: 429, text: /"insufficient_quota"/, means: 402 }, // OpenAI: an empty account, which no waiting cures
  { status: 400, text: /credit balance is too low/i, means: 402 }, // Anthropic
  { status: 400, text: /API_KEY_INVALID|API key not valid|API key expired/, means: 401 }, // Gemini
  { status: 400, text: /User location is not supported/, means: 403 }, // Gemini
  { status: 400, text: /"model_not_found"|Model Not Exist|is not a valid model ID/, means: 404 }, // DeepSeek, OpenRouter
  { status: 403, text: /"flagged_input"/, means: 422 }, // OpenRouter: this question alone is refused
];

/** Who refused, and when. */
export interface RefusalContext {
  /** What errors call it: `the teacher`, `the judge`. */
  readonly called: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** What a status outside 200 to 299 means. The body must be without the key already. */
export function refusal(response: HttpResponse, { called, nowMs }: RefusalContext): TeacherError {
  const { status, body } = response;
  const rateLimit = rateLimitReport(response, nowMs);
  if (status >= 300 && status < 400) {
    return new TeacherError("run-refused", `${called} redirects (HTTP ${status}); redirects are not followed`, {
      data: { status },
      hint: "give the address it redirects to as baseUrl",
    });
  }
  const pauseMs = Math.max(retryAfterMs(response, nowMs), retryDelayInBody(body));
  const details = { data: { status }, retryAfterMs: pauseMs, rateLimit };
  return faultOf(status, body, { message: `${called} answered HTTP ${status}: ${excerptOf(body)}`, details });
}

function faultOf(
  status: number,
  body: string,
  { message, details }: { readonly message: string; readonly details: TeacherErrorDetails },
): TeacherError {
  const meant = DISGUISED.find((guise) => guise.status === status && guise.text.test(body))?.means ?? status;
  const hint = RUN_REFUSED[meant];
  if (hint !== undefined) return new TeacherError("run-refused", message, { ...details, hint });
  if (GATEWAY_TIMEOUT.has(meant)) return new TeacherError("broken", message, details);
  if (meant < 500 && !UNAVAILABLE.has(meant)) return new TeacherError("row-refused", message, details);
  return new TeacherError("unavailable", message, details);
}

/** Whether a refusal is of the streaming that was asked for, and not of the question. */
export function refusesStream({ status, body }: HttpResponse): boolean {
  if (![400, 415, 422, 501].includes(status)) return false;
  const json = parseJson(body);
  const { error, message, detail } = fieldsOf(json);
  const said = json === undefined ? body : [error, message, detail].map(shallowText).join(" ");
  return /\bstream(?:s|ing|ed|_options)?\b/i.test(excerptOf(said));
}

/** A part of an error as text, no deeper than errors are: a body nested without end must not end the stack. */
function shallowText(part: unknown, depth = 0): string {
  if (typeof part === "string") return part;
  if (typeof part !== "object" || part === null || depth > 3) return "";
  return Object.values(part)
    .slice(0, 20)
    .map((one) => shallowText(one, depth + 1))
    .join(" ");
}

/** Google's RetryInfo within an error's details, ms: `"retryDelay": "37s"`. */
function retryDelayInBody(body: string): number {
  const match = /"retryDelay"\s*:\s*"(\d{1,6}(?:\.\d+)?)s"/.exec(body);
  return match === null ? 0 : Math.min(10 * 60_000, Math.ceil(Number(match[1]) * 1000));
}

/** Statuses of the names that errors within a stream have instead. */
const STATUS_OF_NAME: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  invalid_prompt: 400,
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  authentication_error: 401,
  invalid_api_key: 401,
  UNAUTHENTICATED: 401,
  billing_error: 402,
  insufficient_quota: 402,
  permission_error: 403,
  PERMISSION_DENIED: 403,
  not_found_error: 404,
  model_not_found: 404,
  NOT_FOUND: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  RESOURCE_EXHAUSTED: 429,
  api_error: 500,
  server_error: 500,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  timeout_error: 504,
  DEADLINE_EXCEEDED: 504,
  overloaded_error: 529,
};
const PASSING = /overload|rate.?limit|unavailable|timeout|server|internal|resource.?exhausted/i;

/**
 * What an error that a provider reports within a stream, after status 200, means. Once text has come, it may be billed,
 * whatever the error: the next try shows whether any will work. An error of no known name is no word on the next try: the reply is lost, and counted.
 *
 * @param error the error object: `code`, `status` or `type` name it, `message` tells of it.
 */
export function streamedRefusal(
  error: unknown,
  { called = "the teacher", hasText }: { readonly called?: string | undefined; readonly hasText: boolean },
): TeacherError {
  const { code, status: state, type, message } = fieldsOf(error);
  const body = JSON.stringify(error) ?? "";
  const text = `${called} broke its reply off: ${excerptOf(textOf(message) || body)}`;
  const status = [code, state, type].map(statusOfName).find((found) => found !== undefined);
  if (status === undefined)
    return new TeacherError(PASSING.test(body) ? "broken" : "malformed", text, { data: { error: excerptOf(body) } });
  const details = { data: { status }, retryAfterMs: retryDelayInBody(body) };
  const fault = faultOf(status, body, { message: text, details });
  return hasText ? new TeacherError("broken", text, details) : fault;
}

function statusOfName(name: unknown): number | undefined {
  if (typeof name === "number") return name >= 400 && name < 600 ? name : undefined;
  if (typeof name !== "string") return undefined;
  if (/^[45]\d\d$/.test(name)) return Number(name);
  return Object.hasOwn(STATUS_OF_NAME, name) ? STATUS_OF_NAME[name] : undefined;
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
