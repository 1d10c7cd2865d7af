import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketLimiter, type Limiter, simulate } from "../../../test/teacher/simulated-provider.ts";
import { FlowBucket } from "./flow-bucket.ts";
import { FlowControl, type FlowLimits, type FlowPass } from "./flow-control.ts";

const REQUESTS = 2000;
const request = { promptTokens: 100, maxTokens: 900 };
const control = (limits: FlowLimits): FlowControl => new FlowControl(limits, { now: 0, random: () => 0.5 });

/** Starts as many as are allowed at one moment. */
function startAll(flow: FlowControl, now: number): FlowPass[] {
  const passes = [];
  while (flow.waitMs(request, now) === 0 && passes.length < 10_000) passes.push(flow.start(request, now));
  return passes;
}

describe("a storm of 429", () => {
  const exactly = (missingMs: number): number => Math.max(1, missingMs);
  const inSeconds = (missingMs: number): number => Math.ceil(missingMs / 1000) * 1000;
  const silent = (): number => 0;

  it.each([
    { perSecond: 10, serveMs: 500, concurrency: 64 },
    { perSecond: 10, serveMs: 20_000, concurrency: 512 },
    { perSecond: 100, serveMs: 5, concurrency: 64 },
    { perSecond: 100, serveMs: 500, concurrency: 256 },
    { perSecond: 50, serveMs: 2000, concurrency: 256 },
  ])(
    "at $perSecond/s, $serveMs ms each: within 1.3 of the ideal, wasting under 5 %",
    ({ perSecond, serveMs, concurrency }) => {
      for (const retryAfter of [silent, exactly, inSeconds]) {
        for (const [seed, refuseMs] of [
          ["a", 5],
          ["b", 20],
          ["c", 50],
        ] as const) {
          const limiter = bucketLimiter(perSecond, perSecond, retryAfter); // a second's worth can be saved up
          // A refusal takes its time too: what was sent meanwhile is refused as well.
          const { endMs, refused } = simulate({
            requests: REQUESTS,
            limits: { concurrency },
            limiter,
            serveMs,
            refuseMs,
            seed,
          });
          const idealMs = ((REQUESTS - perSecond) / perSecond) * 1000 + serveMs;
          expect(endMs / idealMs).toBeLessThan(1.3);
          expect(refused / (REQUESTS + refused)).toBeLessThan(0.05);
          expect(refused).toBeGreaterThan(0);
        }
      }
    },
  );

  it("of requests in flight, not of a rate: some of them stay unused, for the pace is what is learned", () => {
    const limiter: Limiter = ({ inFlight }) => (inFlight >= 40 ? 0 : null);
    const run = simulate({ requests: REQUESTS, limits: { concurrency: 256 }, limiter, serveMs: 1000, refuseMs: 5 });
    expect(run.endMs).toBeLessThan(2.5 * (REQUESTS / 40) * 1000);
    expect(run.refused / (REQUESTS + run.refused)).toBeLessThan(0.1);
  });

  it("that comes at random, whatever the pace, does not grind it to a halt", () => {
    let count = 0;
    const limiter: Limiter = () => (++count % 20 === 0 ? 20 : null);
    const run = simulate({ requests: 1000, limits: { concurrency: 32 }, limiter, serveMs: 5, refuseMs: 2 });
    expect(run.endMs).toBeLessThan(10_000); // 100 a second at least
  });

  it("cuts once for a burst, and waits as long as the longest of its refusals asks", () => {
    const flow = control({ concurrency: 64 });
    const passes = startAll(flow, 0);
    expect(passes).toHaveLength(16);
    for (const [i, pass] of passes.entries()) {
      if (i < 6) flow.end(pass, { type: "served" }, 100);
      else flow.end(pass, { type: "refused", retryAfterMs: i === 8 ? 3000 : 1000 }, 100);
    }
    expect(flow.waitMs(request, 100)).toBeGreaterThanOrEqual(3000);
    expect(flow.waitMs(request, 100)).toBeLessThanOrEqual(3300);
    expect(startAll(flow, 3500).length).toBeGreaterThan(0);
  });
});

describe("without refusals", () => {
  it("it starts with some, and reaches what is declared within little more than half a second", () => {
    const flow = control({ concurrency: 512 });
    let inFlight = startAll(flow, 0).length;
    expect(inFlight).toBe(16);
    for (let now = 0; now <= 600; now += 5) inFlight += startAll(flow, now).length;
    expect(inFlight).toBe(512);
    expect(flow.waitMs(request, 600)).toBe(Number.POSITIVE_INFINITY);
  });

  it("never are more in flight than declared, and all are served", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 400 }), (concurrency, requests) => {
        const run = simulate({ requests, limits: { concurrency }, limiter: () => null, serveMs: 100, refuseMs: 1 });
        expect(run.mostInFlight).toBeLessThanOrEqual(concurrency);
        expect(run.arrivals).toHaveLength(requests);
      }),
      { numRuns: 30 },
    );
  });
});

describe("declared limits", () => {
  it("of requests a minute hold over any stretch of time", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 30, max: 3000 }),
        fc.integer({ min: 1, max: 2000 }),
        (requestsPerMinute, serveMs) => {
          const limits = { concurrency: 200, requestsPerMinute };
          const { arrivals } = simulate({ requests: 200, limits, limiter: () => null, serveMs, refuseMs: 1 });
          const atOnce = Math.max(1, requestsPerMinute / 60);
          for (let i = 0; i < arrivals.length; i += 7)
            for (let j = i; j < arrivals.length; j += 13) {
              const ms = (arrivals[j] as number) - (arrivals[i] as number);
              expect(j - i + 1).toBeLessThanOrEqual(atOnce + (ms * requestsPerMinute) / 60_000 + 0.001);
            }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("of tokens a minute count what replies used, not what they could have used", () => {
    // 500 tokens each of at most 1,000: at 60,000 a minute, two a second.
    const limits = { concurrency: 200, tokensPerMinute: 60_000 };
    const { endMs } = simulate({ requests: 240, limits, limiter: () => null, serveMs: 300, refuseMs: 1 });
    expect(endMs).toBeGreaterThan(115_000);
    expect(endMs).toBeLessThan(125_000);
  });

  it("a bucket gives no more than flows in and a second's worth, whatever is asked", () => {
    const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 5000 })), {
      maxLength: 50,
    });
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 100_000 }), asks, (perMinute, steps) => {
        const bucket = new FlowBucket(perMinute, 0);
        let now = 0;
        let taken = 0;
        for (const [ms, amount] of steps) {
          now += ms + bucket.waitMs(amount, now + ms);
          // What is asked for above the capacity is on credit: before it, no more than the law allows was taken.
          expect(taken).toBeLessThanOrEqual((perMinute / 60_000) * now + 0.001);
          bucket.take(amount, now);
          taken += Math.max(0, amount - Math.max(1, perMinute / 60));
        }
      }),
    );
  });
});

describe("headers", () => {
  it("that leave three requests let three start, then none until the reset", () => {
    const flow = control({ concurrency: 10 });
    const first = flow.start(request, 0);
    flow.end(first, { type: "served", rateLimit: { remainingRequests: 3, requestsResetMs: 5000 } }, 100);
    expect(startAll(flow, 100)).toHaveLength(3);
    expect(flow.waitMs(request, 100)).toBe(5000);
    expect(flow.waitMs(request, 5099)).toBe(1);
    expect(startAll(flow, 5100).length).toBeGreaterThan(0);
  });

  it("count what started since, and are forgotten when the stream after them took longer than the reset", () => {
    const flow = control({ concurrency: 10 });
    const first = flow.start(request, 0);
    flow.start(request, 10);
    flow.start(request, 20);
    flow.end(first, { type: "served", rateLimit: { remainingTokens: 2500, tokensResetMs: 900 }, ageMs: 80 }, 100);
    expect(flow.waitMs(request, 100)).toBe(0); // 2,500 less 1,000 for each of the two: 500 are left, and one may go over
    const third = flow.start(request, 100);
    expect(flow.waitMs(request, 100)).toBe(820);
    flow.end(third, { type: "served", rateLimit: { remainingTokens: 0, tokensResetMs: 900 }, ageMs: 60_000 }, 60_100);
    expect(flow.waitMs(request, 60_100)).toBe(0);
  });

  it("of a refusal stand in for a Retry-After that is missing", () => {
    const flow = control({ concurrency: 10 });
    const pass = flow.start(request, 0);
    const rateLimit = { remainingRequests: 0, requestsResetMs: 7000 };
    flow.end(pass, { type: "refused", retryAfterMs: 0, rateLimit }, 50);
    expect(flow.waitMs(request, 50)).toBe(7000);
  });
});

describe("refusals drawn by chance", () => {
  it("slow nobody down where they are known to be that", () => {
    const control = new FlowControl({ concurrency: 64, areRefusalsRandom: true }, { now: 0, random: () => 0.5 });
    const request = { promptTokens: 10, maxTokens: 10 };
    for (let n = 0; n < 200; n++) {
      expect(control.waitMs(request, n)).toBe(0);
      const pass = control.start(request, n);
      control.end(pass, { type: "refused", retryAfterMs: 20 }, n);
    }
  });
});
