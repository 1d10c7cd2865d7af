import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Hold, Ledger } from "./ledger.ts";

const usage = { promptTokens: 10, completionTokens: 20, reasoningTokens: 15, isEstimated: false };

describe("ledger", () => {
  it("holds, settles and gives the rest back", () => {
    const ledger = new Ledger(100);
    const first = ledger.hold("trace", 70);
    expect(first.granted).toBe(true);
    expect(ledger.hold("trace", 31)).toEqual({
      granted: false,
      microUsd: 31,
      capMicroUsd: 100,
      spentMicroUsd: 0,
      heldMicroUsd: 70,
      isWaitable: true,
    });
    ledger.settle(first as Hold, { costMicroUsd: 20, basis: "measured", usage });
    expect(ledger.hold("trace", 80).granted).toBe(true);
    expect(ledger.hold("trace", 81)).toMatchObject({ granted: false, isWaitable: false, spentMicroUsd: 20 });
    expect(ledger.snapshot().stages["trace"]).toMatchObject({
      calls: 1,
      promptTokens: 10,
      completionTokens: 20,
      reasoningTokens: 15,
      measuredMicroUsd: 20,
      unknownMicroUsd: 0,
    });
  });

  it("grants free work under a cap of nothing", () => {
    const ledger = new Ledger(0);
    expect(ledger.hold("trace", 0).granted).toBe(true);
    expect(ledger.hold("trace", 1)).toMatchObject({ granted: false, isWaitable: false });
    ledger.record("trace", { costMicroUsd: 0, basis: "measured", usage });
    expect(ledger.snapshot().stages["trace"]).toMatchObject({ calls: 1, freeCalls: 1, measuredMicroUsd: 0 });
  });

  it("counts a forfeited hold in full and a released one not at all", () => {
    const ledger = new Ledger(100);
    ledger.forfeit(ledger.hold("trace", 30) as Hold);
    ledger.release(ledger.hold("trace", 60) as Hold);
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 30, heldMicroUsd: 0, overrunMicroUsd: 0 });
    expect(ledger.snapshot().stages["trace"]).toMatchObject({ unknownMicroUsd: 30, unknownCalls: 1, calls: 0 });
  });

  it("takes what was possibly paid back into a hold, without room of its own, and ends it like any other", () => {
    const ledger = new Ledger(100);
    ledger.record("trace", { costMicroUsd: 60, basis: "unknown" });
    ledger.record("trace", { costMicroUsd: 40, basis: "unknown" });
    const found = ledger.reopen("trace", 60);
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 40, heldMicroUsd: 60, overrunMicroUsd: 0 });
    expect(ledger.hold("trace", 1).granted).toBe(false);
    ledger.settle(found, { costMicroUsd: 25, basis: "measured", usage });
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 65, heldMicroUsd: 0 });
    expect(ledger.snapshot().stages["trace"]).toMatchObject({ unknownCalls: 1, unknownMicroUsd: 40, calls: 1 });
    expect(() => ledger.reopen("trace", 41)).toThrow("possibly paid");
    ledger.release(ledger.reopen("trace", 0)); // a free one was never booked
    expect(ledger.snapshot().stages["trace"]).toMatchObject({ unknownCalls: 1 });
  });

  it("refuses to end a hold twice and to count fractions", () => {
    const ledger = new Ledger(100);
    const hold = ledger.hold("trace", 1) as Hold;
    ledger.release(hold);
    expect(() => ledger.release(hold)).toThrow("twice");
    expect(() => ledger.hold("trace", 0.5)).toThrow("whole micro-dollars");
    expect(() => ledger.hold("trace", -1)).toThrow("whole micro-dollars");
  });

  it("adds up work by stage", () => {
    const ledger = new Ledger(0);
    ledger.work("train", { trainedTokens: 100, seconds: 2 });
    ledger.work("train", { trainedTokens: 50, seconds: 0.5 });
    ledger.work("evaluate", { decodedTokens: 7 });
    expect(ledger.snapshot().stages["train"]).toMatchObject({ trainedTokens: 150, seconds: 2.5, decodedTokens: 0 });
    expect(ledger.snapshot().stages["evaluate"]).toMatchObject({ trainedTokens: 0, decodedTokens: 7 });
  });

  const step = fc.record({
    action: fc.constantFrom("hold", "settle", "forfeit", "release"),
    amount: fc.nat({ max: 400 }),
    pick: fc.nat(),
  });

  it("never passes its cap, whatever is held, settled, forfeited and released", () => {
    fc.assert(
      fc.property(fc.nat({ max: 1000 }), fc.array(step, { maxLength: 60 }), (cap, steps) => {
        const ledger = new Ledger(cap);
        const open: Hold[] = [];
        let spent = 0;
        for (const { action, amount, pick } of steps) {
          if (action === "hold") {
            const before = ledger.snapshot();
            const answer = ledger.hold("trace", amount);
            expect(answer.granted).toBe(before.spentMicroUsd + before.heldMicroUsd + amount <= cap);
            if (answer.granted) open.push(answer);
          } else if (open.length > 0) {
            const [hold] = open.splice(pick % open.length, 1) as [Hold];
            const costMicroUsd = Math.min(amount, hold.microUsd);
            if (action === "release") ledger.release(hold);
            else if (action === "forfeit") ledger.forfeit(hold);
            else ledger.settle(hold, { costMicroUsd, basis: "measured" });
            spent += action === "release" ? 0 : action === "forfeit" ? hold.microUsd : costMicroUsd;
          }
          const now = ledger.snapshot();
          expect(now.spentMicroUsd).toBe(spent);
          expect(now.heldMicroUsd).toBe(open.reduce((sum, hold) => sum + hold.microUsd, 0));
          expect(now.spentMicroUsd + now.heldMicroUsd).toBeLessThanOrEqual(cap);
        }
      }),
    );
  });

  it("books what a provider reports even above the worst case, shows it, and grants nothing after", () => {
    const ledger = new Ledger(100);
    ledger.settle(ledger.hold("trace", 90) as Hold, { costMicroUsd: 130, basis: "measured" });
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 130, overrunMicroUsd: 40 });
    expect(ledger.hold("trace", 0)).toMatchObject({ granted: false, isWaitable: false });
  });
});
