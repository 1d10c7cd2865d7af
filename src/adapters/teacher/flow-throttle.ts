/**
 * @file How fast an endpoint may be asked, learned from its refusals (429, 529): a window of requests in flight and a
 * pace. Pure: time and chance are parameters.
 *
 * It starts with some at once and doubles that quickly, until all is allowed or the first refusal comes. A refusal cuts
 * pace and window, once for a burst; all requests wait, as long as the provider asks; then both grow again with each
 * request that is let through. What the provider really allows shows between two bursts: at both its allowance is used
 * up, so what it let through meanwhile is its rate, and the pace is cut to less than that. A single refusal among many
 * comes of trying for more and cuts little. Growth is the slower the more the last burst cost, in refusals and in time,
 * so that refusals stay few; and the faster the longer there was none.
 */

/** Requests at once at the very start. */
const FIRST_WINDOW = 16;
/** Time in which the first window doubles, ms: a refusal comes back in about that. */
const DOUBLING_MS = 80;
/** Share of refusals above which a burst means "much too fast", not "just above". */
const HEAVY_SHARE = 0.1;
/** What a heavy burst leaves of the window, and of the rate that it showed; a light one of the rate; an early one of the pace. */
const HEAVY_WINDOW = 0.7;
const HEAVY_FACTOR = 0.9;
const LIGHT_FACTOR = 0.97;
const EARLY_FACTOR = 0.85;
/** The first interval began with an allowance of unknown size saved up, so its rate is too high. */
const FIRST_FACTOR = 0.2;
/** A burst that let little through takes away at most this much of the pace. */
const LEAST_KEPT = 1 / 8;
/** Fewer let through than this are a poor measure of a rate. */
const FEW = 4;
/** Starts a millisecond below which refusals alone do not push the pace. */
const LEAST_RATE = 1 / 1000;
/** Starts for each refused request until pace and window have grown by one step: so refusals stay near 1 in 60. */
const STARTS_PER_REFUSAL = 60;
/** The same after a heavy burst: what it showed is the least that is allowed, which may be far more. */
const STARTS_AFTER_HEAVY = 10;
/** Pauses take less than about 1 in so many parts of the time. */
const PAUSE_SHARE = 6;
const STEP = 1 - LIGHT_FACTOR;
/** Most that one start may add, as a share, and all that start before a refusal can come back. */
const MOST_GROWTH = 0.02;
const MOST_UNSEEN_GROWTH = 0.05;
const MAX_FACTOR = 64;
/** Room in the window beyond what the pace needs at the latency seen. */
const WINDOW_ROOM = 1.5;

const FIRST_PAUSE_MS = 500;
const LEAST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 60_000;
/** How late a start may be and the next still keep to the old beat, ms: timers are that exact. */
const LEAST_SLACK_MS = 2;
const MAX_SLACK_MS = 20;

/** What is known of the time from one burst to the next. */
interface Interval {
  readonly elapsedMs: number;
  readonly started: number;
  refused: number;
  /** As they were when the burst began. */
  readonly window: number;
  readonly rate: number;
  readonly burstsInVain: number;
  readonly isFirst: boolean;
}

/** See the file's head. */
export class FlowThrottle {
  readonly #concurrency: number;
  readonly #random: () => number;
  #firstStart = 0;
  #seq = 0;
  #inFlight = 0;
  #interval: Interval | undefined;
  #cutSeq = 0;
  #cutAt = 0;
  /** Starts a millisecond, and requests in flight, each before it has grown by its factor. */
  #rate = Number.POSITIVE_INFINITY;
  #window = Number.POSITIVE_INFINITY;
  #rateFactor = 1;
  #windowFactor = 1;
  #bestRate = 0;
  #isMuch = false;
  #latencyMs = 0;
  #refusalMs = 0;
  #burstsInVain = 0;
  #pauseFrom = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(concurrency: number, random: () => number) {
    this.#concurrency = concurrency;
    this.#random = random;
  }

  /** Requests that may be in flight now. */
  window(now: number): number {
    if (this.#interval !== undefined) {
      const needed = Math.ceil(WINDOW_ROOM * this.#pace() * this.#latencyMs) || 0;
      return Math.min(this.#concurrency, Math.max(1, needed, Math.floor(this.#window * this.#windowFactor)));
    }
    const doublings = this.#seq === 0 ? 0 : (now - this.#firstStart) / DOUBLING_MS;
    return Math.min(this.#concurrency, Math.floor(FIRST_WINDOW * 2 ** Math.min(20, doublings)));
  }

  /** Milliseconds until the next may start; Infinity: when one ends. */
  waitMs(now: number): number {
    if (this.#inFlight >= this.#concurrency) return Number.POSITIVE_INFINITY;
    if (this.#inFlight >= this.window(now))
      return this.#interval === undefined ? DOUBLING_MS / 8 : Number.POSITIVE_INFINITY;
    return Math.max(0, this.#pausedUntil - now, this.#nextAt - now);
  }

  /** One starts; returns its number. It counts as let through until it is refused: pace and window grow. */
  start(now: number): number {
    if (this.#seq === 0) this.#firstStart = this.#cutAt = now;
    this.#seq += 1;
    this.#inFlight += 1;
    const gapMs = 1 / this.#pace();
    const slackMs = Math.max(LEAST_SLACK_MS, Math.min(MAX_SLACK_MS, gapMs / 4));
    // What was not held back by the pace or the window says nothing about a larger one.
    const wasHeldBack = now - this.#nextAt <= slackMs || this.#inFlight >= this.window(now);
    if (gapMs > 0) this.#nextAt = Math.max(this.#nextAt, now - slackMs) + gapMs;
    if (this.#interval !== undefined && wasHeldBack) this.#grow(this.#interval);
    return this.#seq;
  }

  /** One ended without a word on how fast it may go. */
  ended(): void {
    this.#inFlight -= 1;
  }

  /** One was served. */
  served(latencyMs: number): void {
    this.ended();
    this.#latencyMs += (latencyMs - this.#latencyMs) * (this.#latencyMs === 0 ? 1 : 0.05);
  }

  /** One was refused because too many were asked; `retryAfterMs` 0 where the provider does not say how long to wait. */
  refused(
    {
      seq,
      latencyMs,
      retryAfterMs,
    }: { readonly seq: number; readonly latencyMs: number; readonly retryAfterMs: number },
    now: number,
  ): void {
    this.#refusalMs += (latencyMs - this.#refusalMs) * (this.#refusalMs === 0 ? 1 : 0.2);
    if (seq > this.#cutSeq) this.#beginBurst(now);
    else if (this.#interval !== undefined) this.#interval.refused += 1;
    this.ended();
    this.#cut();
    // What is still on its way meets the same limit: until it is back, more would only add to it.
    this.#pause(Math.max(this.#refusalMs, this.#pauseMs(retryAfterMs)), now);
  }

  #pace(): number {
    return this.#rate * this.#rateFactor;
  }

  #grow({ refused }: Interval): void {
    const pauseMs = this.#pausedUntil - this.#pauseFrom;
    const forPause = Number.isFinite(this.#rate) ? PAUSE_SHARE * pauseMs * this.#rate : 0;
    const startsPerStep = this.#isMuch ? STARTS_AFTER_HEAVY : Math.max(STARTS_PER_REFUSAL * refused, forPause);
    const speed = 2 ** Math.min(10, Math.floor((this.#seq - this.#cutSeq) / startsPerStep));
    const unseen = this.#pace() * this.#refusalMs; // starts until the first of them can be refused
    const most = Math.min(MOST_GROWTH, Number.isFinite(unseen) ? MOST_UNSEEN_GROWTH / Math.max(1, unseen) : 1);
    const step = Math.min((STEP / startsPerStep) * speed, most * this.#rateFactor);
    this.#rateFactor = Math.min(MAX_FACTOR, this.#rateFactor + step);
    this.#windowFactor = Math.min(MAX_FACTOR, this.#windowFactor + step);
  }

  #pause(ms: number, now: number): void {
    if (now >= this.#pausedUntil) this.#pauseFrom = now;
    this.#pausedUntil = Math.max(this.#pausedUntil, now + ms);
  }

  #beginBurst(now: number): void {
    this.#interval = {
      elapsedMs: Math.max(1, now - this.#cutAt - (this.#interval === undefined ? 0 : this.#refusalMs)),
      started: this.#seq - this.#cutSeq,
      refused: 1,
      // The first window was small for want of knowledge, not for a limit: what was declared is cut.
      window: this.#interval === undefined ? this.#concurrency : this.window(now),
      rate: this.#pace(),
      burstsInVain: this.#burstsInVain,
      isFirst: this.#interval === undefined,
    };
    this.#cutSeq = this.#seq;
    this.#cutAt = now;
  }

  /** Pace and window after the burst, from all of it that is known so far. */
  #cut(): void {
    const last = this.#interval as Interval;
    const passed = Math.max(0, last.started - last.refused);
    this.#burstsInVain = passed === 0 ? last.burstsInVain + 1 : 0;
    const isMuch = last.refused > HEAVY_SHARE * last.started;
    const isHeavy = last.isFirst || (isMuch && (last.refused > 1 || passed === 0));
    this.#isMuch = isMuch || isHeavy;
    this.#window = last.window * (isHeavy ? HEAVY_WINDOW : 1);
    this.#windowFactor = 1;
    this.#rateFactor = isHeavy ? HEAVY_FACTOR : isMuch ? EARLY_FACTOR : LIGHT_FACTOR;
    this.#rate = isHeavy ? this.#heavyRate(last, passed) : isMuch ? last.rate : this.#lightRate(last, passed);
  }

  #heavyRate({ elapsedMs, rate, isFirst }: Interval, passed: number): number {
    const seen = passed / elapsedMs;
    // Nothing passed: pauses grow, which is enough; and before any rate is known the window alone shrinks.
    if (passed === 0) return Math.min(rate, Math.max(rate / 4, LEAST_RATE));
    if (isFirst) return seen * FIRST_FACTOR;
    if (passed < FEW) return Math.min(rate, Math.max(seen, Number.isFinite(rate) ? rate * LEAST_KEPT : 0));
    this.#bestRate = seen;
    return seen;
  }

  /** Never below half of the best: refusals that come whatever the pace must not grind it down. */
  #lightRate({ elapsedMs, rate }: Interval, passed: number): number {
    const seen = passed / elapsedMs;
    this.#bestRate = Math.max(this.#bestRate * 0.999, seen);
    if (!Number.isFinite(rate)) return seen;
    return Math.min(rate, Math.max(Math.sqrt(seen * rate), this.#bestRate / 2));
  }

  /** What the provider asks for, a little more so that all do not come at once; else by the pace, doubled in vain. */
  #pauseMs(retryAfterMs: number): number {
    if (retryAfterMs > 0) return retryAfterMs * (1 + this.#random() / 10);
    const isKnown = Number.isFinite(this.#rate) && this.#interval?.isFirst === false;
    const leastMs = isKnown ? Math.min(FIRST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, 2 / this.#pace())) : FIRST_PAUSE_MS;
    return Math.min(MAX_PAUSE_MS, leastMs * 2 ** Math.min(20, this.#burstsInVain)) * (0.5 + this.#random() / 2);
  }
}
