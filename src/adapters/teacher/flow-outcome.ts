/** @file What a reply or a failure says of how fast to go. */
import type { FlowOutcome } from "./flow-control.ts";
import { TeacherError, type TeacherReply } from "./teacher.ts";

/** Of a reply. */
export function servedOutcome({ usage, rateLimit, timing }: TeacherReply): FlowOutcome {
  const ageMs = timing === undefined ? 0 : timing.totalMs - timing.firstTokenMs;
  return { type: "served", usage, rateLimit, ageMs };
}

/** 429: too many requests; 529: Anthropic's servers are overloaded. */
const REFUSING = new Set<unknown>([429, 529]);

/** Of a failure; a 503 does only where it says how long to wait. */
export function flowOutcome(error: unknown): FlowOutcome {
  if (!(error instanceof TeacherError)) return { type: "failed" };
  const { fault, data, retryAfterMs, rateLimit, usage } = error;
  if (fault === "malformed") return { type: "served", rateLimit, ...(usage === null ? {} : { usage }) };
  const { status } = data;
  const isRefusal = fault === "unavailable" && (REFUSING.has(status) || (status === 503 && retryAfterMs > 0));
  return isRefusal ? { type: "refused", retryAfterMs, rateLimit } : { type: "failed" };
}
