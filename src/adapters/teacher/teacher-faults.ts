/**
 * @file What goes wrong with the built-in teacher, on purpose: real teachers do all of it. Which request meets which
 * fault depends on a hash of the request alone, never on arrival, so that every run of a recipe sees the same faults.
 */
import { canonicalJson } from "../../core/hash.ts";
import { type Prng, prng } from "../../core/prng.ts";
import type { ChatMessage } from "../../ledger/request-key.ts";

/** Shares of requests, 0 to 1, and the mean time to answer. */
export interface FaultRates {
  readonly wrongRate: number;
  readonly truncateRate: number;
  readonly malformedRate: number;
  /** Of first tries; a retry is let through. */
  readonly rateLimitRate: number;
  readonly latencyMs: number;
}

/** The form in which a reply is broken. */
export type Malformation = "cut-json" | "no-choices" | "empty" | "html";

/** What becomes of one request. */
export interface FaultPlan {
  readonly fault: "none" | "wrong" | "truncated" | Malformation;
  readonly isRateLimited: boolean;
  /** From half to one and a half times the mean. */
  readonly latencyMs: number;
  /** For what a fault has to choose. */
  readonly random: Prng;
}

const MALFORMATIONS: readonly Malformation[] = ["cut-json", "no-choices", "empty", "html"];

/** The fate of a request; equal for equal messages, request seed and server seed. */
export function planFaults(
  request: { readonly messages: readonly ChatMessage[]; readonly seed?: number | undefined },
  rates: FaultRates,
  seed: number,
): FaultPlan {
  const random = prng(`${seed}/faults/${canonicalJson({ messages: request.messages, seed: request.seed })}`);
  const isRateLimited = random.next() < rates.rateLimitRate;
  const latencyMs = rates.latencyMs * (0.5 + random.next());
  return { fault: chooseFault(random, rates), isRateLimited, latencyMs, random };
}

function chooseFault(random: Prng, rates: FaultRates): FaultPlan["fault"] {
  const draw = random.next();
  if (draw < rates.malformedRate) return random.pick(MALFORMATIONS);
  if (draw < rates.malformedRate + rates.truncateRate) return "truncated";
  return draw < rates.malformedRate + rates.truncateRate + rates.wrongRate ? "wrong" : "none";
}

/** An answer that is plausible and wrong: its last whole number is larger by 1 to 9; without one, a number is added. */
export function spoilAnswer(answer: string, random: Prng): string {
  const offset = BigInt(random.int(1, 9));
  const numbers = [...answer.matchAll(/\d{1,100}/g)];
  const last = numbers.at(-1);
  if (last === undefined) return `${answer} ${offset}`;
  const [digits] = last;
  return answer.slice(0, last.index) + String(BigInt(digits) + offset) + answer.slice(last.index + digits.length);
}
