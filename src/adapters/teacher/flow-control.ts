/**
 * @file When the next request to one model of one provider may start, by all that limits it: what the recipe declares,
 * what the provider's headers say, and what its refusals taught. Pure: time and chance are parameters.
 */
import { FlowBucket } from "./flow-bucket.ts";
import { FlowThrottle } from "./flow-throttle.ts";
import type { RateLimitReport } from "./teacher.ts";

/** Declared limits of an endpoint. */
export interface FlowLimits {
  /** Requests in flight at most. */
  readonly concurrency: number;
  readonly requestsPerMinute?: number | undefined;
  /** Prompt and completion tokens. */
  readonly tokensPerMinute?: number | undefined;
  /**
   * Whether refusals tell how fast to go, as they do unless told. Those of the built-in teacher are drawn by chance, as the
   * recipe says: each request then waits for itself, as long as it was asked to, and the others go on.
   */
  readonly areRefusalsRandom?: boolean | undefined;
}

/** What a request may take, tokens. */
export interface FlowRequest {
  readonly promptTokens: number;
  readonly maxTokens: number;
}

/** Leave to send one request; to be ended with what came of it. */
export interface FlowPass {
  readonly seq: number;
  readonly startedAt: number;
  /** Tokens set aside for it. */
  readonly tokens: number;
}

/** What came of a request, as far as the flow is concerned. */
export type FlowOutcome =
  | {
      readonly type: "served";
      /** Absent where the reply did not tell. */
      readonly usage?: { readonly promptTokens: number; readonly completionTokens: number };
      readonly rateLimit?: RateLimitReport | undefined;
      /** How old the headers are at most, ms: a streamed reply ends long after them. */
      readonly ageMs?: number;
    }
  /** Too many were asked: 429, 529. */
  | { readonly type: "refused"; readonly retryAfterMs: number; readonly rateLimit?: RateLimitReport | undefined }
  /** Anything else: it says nothing about how fast to go. */
  | { readonly type: "failed" };

/** Weight of the last reply in the running mean of completion tokens. */
const LEARNING = 0.05;
/** Headers are believed for so long at most, ms. */
const MAX_RESET_MS = 10 * 60_000;

/** See the file's head. */
export class FlowControl {
  readonly #throttle: FlowThrottle;
  readonly #areRefusalsRandom: boolean;
  readonly #requests: FlowBucket | undefined;
  readonly #tokens: FlowBucket | undefined;
  readonly #reportedRequests = new ReportedAllowance();
  readonly #reportedTokens = new ReportedAllowance();
  #completionTokens: number | undefined;

  constructor(limits: FlowLimits, { now, random }: { readonly now: number; readonly random: () => number }) {
    const { concurrency, requestsPerMinute, tokensPerMinute, areRefusalsRandom = false } = limits;
    this.#areRefusalsRandom = areRefusalsRandom;
    this.#throttle = new FlowThrottle(concurrency, random);
    this.#requests = requestsPerMinute === undefined ? undefined : new FlowBucket(requestsPerMinute, now);
    this.#tokens = tokensPerMinute === undefined ? undefined : new FlowBucket(tokensPerMinute, now);
  }

  /** Milliseconds until the request may start; 0: now; Infinity: not before another ends. */
  waitMs(request: FlowRequest, now: number): number {
    const tokens = this.#estimate(request);
    return Math.max(
      this.#throttle.waitMs(now),
      this.#requests?.waitMs(1, now) ?? 0,
      this.#tokens?.waitMs(tokens, now) ?? 0,
      this.#reportedRequests.waitMs(now),
      this.#reportedTokens.waitMs(now),
    );
  }

  /** Starts a request. */
  start(request: FlowRequest, now: number): FlowPass {
    const tokens = this.#estimate(request);
    this.#requests?.take(1, now);
    this.#tokens?.take(tokens, now);
    const seq = this.#throttle.start(now);
    this.#reportedRequests.take(seq, 1);
    this.#reportedTokens.take(seq, tokens);
    return { seq, startedAt: now, tokens };
  }

  /** Ends a request. */
  end(pass: FlowPass, outcome: FlowOutcome, now: number): void {
    switch (outcome.type) {
      case "served":
        this.#throttle.served(now - pass.startedAt);
        this.#learn(pass, outcome.usage);
        this.#heed(pass.seq, outcome.rateLimit, now - (outcome.ageMs ?? 0));
        return;
      case "refused": {
        const { retryAfterMs, rateLimit } = outcome;
        this.#tokens?.giveBack(pass.tokens);
        if (this.#areRefusalsRandom) return this.#throttle.ended();
        this.#throttle.refused({ seq: pass.seq, latencyMs: now - pass.startedAt, retryAfterMs }, now);
        if (retryAfterMs === 0) this.#heed(pass.seq, rateLimit, now);
        return;
      }
      case "failed":
        this.#throttle.ended();
        return;
      default:
        outcome satisfies never;
    }
  }

  /** Tokens that a request will take: the mean of those before it, its worst case as long as there were none. */
  #estimate({ promptTokens, maxTokens }: FlowRequest): number {
    return promptTokens + Math.min(maxTokens, this.#completionTokens ?? maxTokens);
  }

  #learn({ tokens }: FlowPass, usage: { promptTokens: number; completionTokens: number } | undefined): void {
    if (usage === undefined) return;
    const { promptTokens, completionTokens } = usage;
    this.#tokens?.giveBack(tokens - promptTokens - completionTokens);
    const mean = this.#completionTokens ?? completionTokens;
    this.#completionTokens = mean + LEARNING * (completionTokens - mean);
  }

  #heed(seq: number, report: RateLimitReport | undefined, at: number): void {
    if (report === undefined) return;
    const { remainingRequests, remainingTokens, requestsResetMs, tokensResetMs } = report;
    this.#reportedRequests.report(seq, remainingRequests, at + Math.min(MAX_RESET_MS, requestsResetMs ?? 0));
    this.#reportedTokens.report(seq, remainingTokens, at + Math.min(MAX_RESET_MS, tokensResetMs ?? 0));
  }
}

/** Starts that a late reply's headers do not know of yet; more than are ever in flight. */
const REMEMBERED = 8192;

/** What the headers of the last reply leave until the provider counts anew. */
class ReportedAllowance {
  /** What each start took, by its number; a ring. */
  readonly #taken = new Float64Array(REMEMBERED);
  #latest = 0;
  #reported = 0;
  #left = Number.POSITIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;

  waitMs(now: number): number {
    return this.#left > 0 || now >= this.#until ? 0 : this.#until - now;
  }

  take(seq: number, amount: number): void {
    this.#taken[seq % REMEMBERED] = amount;
    this.#latest = seq;
    this.#left -= amount;
  }

  /** `remaining` was left when the request `seq` was counted: what started after it is taken off. */
  report(seq: number, remaining: number | undefined, until: number): void {
    if (remaining === undefined || seq < this.#reported) return;
    this.#reported = seq;
    this.#until = until;
    this.#left = remaining;
    for (let later = Math.max(seq, this.#latest - REMEMBERED) + 1; later <= this.#latest; later++)
      this.#left -= this.#taken[later % REMEMBERED] ?? 0;
  }
}
