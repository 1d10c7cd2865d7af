import type { HttpResponse } from "./http-endpoint.ts";

/** A provider may ask for a pause, not for a day. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;

/**
 * The pause a response asks for, ms: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, 10.2.3). 0
 * when it asks for none or in a form we do not know; never above ten minutes.
 */
export function retryAfterMs({ header }: Pick<HttpResponse, "header">, nowMs: number): number {
  const exact = header("retry-after-ms");
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return clamp(Number(exact));
  const text = header("retry-after")?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return clamp(Number(text) * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? 0 : clamp(date - nowMs);
}

const clamp = (ms: number): number => Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.ceil(ms)));
