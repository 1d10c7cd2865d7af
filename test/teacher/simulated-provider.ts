/** @file A provider that limits, and a client that asks it through a FlowControl, on a clock that costs no time. */
import { prng } from "../../src/core/prng.ts";
import {
  FlowControl,
  type FlowLimits,
  type FlowOutcome,
  type FlowPass,
} from "../../src/adapters/teacher/flow-control.ts";

/** Decides on a request that arrives: null lets it through, else the Retry-After that it is refused with, ms (0: none). */
export type Limiter = (arrival: { readonly now: number; readonly inFlight: number }) => number | null;

/** What to simulate. */
export interface Simulation {
  readonly requests: number;
  readonly limits: FlowLimits;
  readonly limiter: Limiter;
  /** Mean time to serve, ms; from half to one and a half of it. */
  readonly serveMs: number;
  readonly refuseMs: number;
  readonly seed?: string;
}

/** What came of it. */
export interface Simulated {
  readonly endMs: number;
  readonly refused: number;
  /** Times at which requests arrived. */
  readonly arrivals: readonly number[];
  readonly mostInFlight: number;
}

interface Event {
  readonly at: number;
  readonly pass: FlowPass;
  readonly outcome: FlowOutcome;
}

/** An allowance that fills up at `perSecond` to `capacity`. */
export function bucketLimiter(
  perSecond: number,
  capacity: number,
  retryAfter: (missingMs: number) => number = () => 0,
): Limiter {
  let balance = capacity;
  let at = 0;
  return ({ now }) => {
    balance = Math.min(capacity, balance + ((now - at) * perSecond) / 1000);
    at = now;
    if (balance < 1) return retryAfter(((1 - balance) / perSecond) * 1000);
    balance -= 1;
    return null;
  };
}

/** Runs until every request is served. */
export function simulate({ requests, limits, limiter, serveMs, refuseMs, seed = "s" }: Simulation): Simulated {
  const random = prng(`simulated/${seed}`);
  const control = new FlowControl(limits, { now: 0, random: () => random.next() });
  const request = { promptTokens: 100, maxTokens: 900 };
  const events: Event[] = [];
  const arrivals: number[] = [];
  let now = 0;
  let waiting = requests;
  let served = 0;
  let refused = 0;
  let inFlight = 0;
  let mostInFlight = 0;
  const send = (): void => {
    const pass = control.start(request, now);
    arrivals.push(now);
    waiting -= 1;
    inFlight += 1;
    mostInFlight = Math.max(mostInFlight, inFlight);
    const retryAfterMs = limiter({ now, inFlight: inFlight - 1 });
    const outcome: FlowOutcome =
      retryAfterMs === null
        ? { type: "served", usage: { promptTokens: 100, completionTokens: 400 } }
        : { type: "refused", retryAfterMs };
    const takes = (retryAfterMs === null ? serveMs : refuseMs) * (0.5 + random.next());
    const at = now + takes;
    let index = events.length;
    while (index > 0 && (events[index - 1] as Event).at < at) index -= 1; // latest first
    events.splice(index, 0, { at, pass, outcome });
  };
  while (served < requests) {
    let wakeAt = Number.POSITIVE_INFINITY;
    while (waiting > 0) {
      const waitMs = control.waitMs(request, now);
      if (waitMs > 0) {
        wakeAt = now + waitMs;
        break;
      }
      send();
    }
    const next = events.at(-1);
    if (next === undefined && !Number.isFinite(wakeAt)) throw new Error("nothing will ever happen again");
    if (next === undefined || wakeAt < next.at) {
      now = wakeAt;
      continue;
    }
    events.pop();
    now = next.at;
    inFlight -= 1;
    control.end(next.pass, next.outcome, now);
    if (next.outcome.type === "served") served += 1;
    else {
      refused += 1;
      waiting += 1;
    }
  }
  return { endMs: now, refused, arrivals, mostInFlight };
}
