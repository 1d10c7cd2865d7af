import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JobStatus } from "../../../adapters/launchers/launcher.ts";
import { Ledger } from "../../../ledger/ledger.ts";
import { cappedCost, costOfTry, type GpuRent, limitsFor, mostFor, tooLittle, writesStarts } from "./job-money.ts";

/** 8 GPUs at 3.60 an hour: 0.8 cents a second. */
const RENT: GpuRent = { gpus: 8, price: { microUsdPerGpuHour: 3_600_000, asOf: "as given", source: "test" } };
const FREE: GpuRent = { ...RENT, price: { ...RENT.price, microUsdPerGpuHour: 0 } };
const status = (parts: Partial<JobStatus>): JobStatus => ({
  state: "succeeded",
  detail: "",
  startedAt: null,
  endedAt: null,
  exitCode: 0,
  gpus: null,
  ...parts,
});
const TIMES = { submittedAt: 1_000, now: 101_000 };

describe("costOfTry", () => {
  test("the launcher's own times are a measurement, its count of GPUs too", () => {
    const whole = status({ startedAt: 11_000, endedAt: 61_000 });
    expect(costOfTry(RENT, whole, TIMES)).toEqual({ microUsd: 400_000, ms: 50_000, isEstimated: false });
    expect(costOfTry(RENT, { ...whole, gpus: 4 }, TIMES).microUsd).toBe(200_000);
    expect(costOfTry(FREE, whole, TIMES).microUsd).toBe(0);
  });

  test("without them the trainer's events count, and without those ours: estimates", () => {
    const events = { firstEventAt: 21_000, lastEventAt: 31_000 };
    expect(costOfTry(RENT, status({}), { ...TIMES, ...events })).toEqual({
      microUsd: 80_000,
      ms: 10_000,
      isEstimated: true,
    });
    expect(costOfTry(RENT, status({ state: "failed" }), TIMES)).toEqual({
      microUsd: 800_000,
      ms: 100_000,
      isEstimated: true,
    });
  });

  test("who waits in a queue, or ended there, has cost nothing", () => {
    expect(costOfTry(RENT, status({ state: "queued" }), TIMES).microUsd).toBe(0);
    expect(costOfTry(RENT, status({ state: "cancelled", endedAt: 50_000 }), TIMES)).toEqual({
      microUsd: 0,
      ms: 0,
      isEstimated: false,
    });
  });

  test("a launcher that writes down each start and knows of none has started nothing, when it forgot the end too", () => {
    const told = { ...TIMES, startIsTold: true };
    const none = { microUsd: 0, ms: 0, isEstimated: false };
    expect(costOfTry(RENT, status({ state: "failed" }), told)).toEqual(none);
    expect(costOfTry(RENT, status({ state: "failed" }), { ...told, firstEventAt: 91_000 }).microUsd).toBe(80_000);
    expect(["slurm", "torchrun", "ray", "hf-jobs"].map((name) => writesStarts(name as "ray"))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("a guess is no more than what was promised; what was measured is what it is", () => {
    const cost = { microUsd: 800_000, ms: 100_000, isEstimated: true };
    expect(cappedCost(cost, 500_000).microUsd).toBe(500_000);
    expect(cappedCost(cost, 900_000)).toEqual(cost);
    expect(cappedCost(cost, 0)).toEqual(cost);
    expect(cappedCost({ ...cost, isEstimated: false }, 500_000).microUsd).toBe(800_000);
  });

  test("while it runs, until now", () => {
    expect(costOfTry(RENT, status({ state: "running", startedAt: 51_000 }), TIMES).microUsd).toBe(400_000);
  });

  test("clocks that disagree cost nothing, never less", () => {
    expect(costOfTry(RENT, status({ startedAt: 9_000, endedAt: 8_000 }), TIMES).microUsd).toBe(0);
  });
});

describe("limitsFor", () => {
  test("a job stops by itself before what is held is spent, and is killed then", () => {
    fc.assert(
      fc.property(fc.integer({ min: 480_000, max: 500_000_000 }), (microUsd) => {
        const { stopAfterSeconds, timeoutSeconds } = limitsFor(RENT, microUsd, 0);
        expect(timeoutSeconds).toBe(Math.floor(microUsd / 8_000));
        expect(stopAfterSeconds).toBeGreaterThan(0);
        expect(stopAfterSeconds).toBeLessThanOrEqual((timeoutSeconds ?? 0) - 19);
        // All that it may cost fits into what is held.
        expect((timeoutSeconds ?? 0) * 8_000).toBeLessThanOrEqual(microUsd);
      }),
    );
  });

  test("the time that a launcher gives for the end is paid too", () => {
    const { stopAfterSeconds, timeoutSeconds } = limitsFor(RENT, 8_000_000, 130);
    expect(timeoutSeconds).toBe(1000 - 130);
    expect(stopAfterSeconds).toBe(1000 - 130 - 87);
    expect(tooLittle(RENT, 190 * 8_000, { what: "it", graceSeconds: 130 })).toBeUndefined();
    expect(tooLittle(RENT, 189 * 8_000, { what: "it", graceSeconds: 130 })?.message).toContain("less than 190 seconds");
  });

  test("what is free has no limit", () => {
    expect(limitsFor(FREE, 0, 130)).toEqual({ stopAfterSeconds: null, timeoutSeconds: null });
    expect(tooLittle(FREE, 0, { what: "it", graceSeconds: 0 })).toBeUndefined();
  });

  test("for less than a minute nothing is started", () => {
    expect(tooLittle(RENT, 480_000, { what: "it", graceSeconds: 0 })).toBeUndefined();
    expect(tooLittle(RENT, 479_000, { what: "it", graceSeconds: 0 })?.code).toBe("budget-exceeded");
  });
});

test("the most that may be held is what both caps have left, and what is held for it already counts as free", () => {
  const ledger = new Ledger(10_000_000);
  ledger.record("trace", { costMicroUsd: 2_000_000, basis: "measured" });
  ledger.record("train", { costMicroUsd: 1_000_000, basis: "estimated" });
  const most = (ownCapMicroUsd: number | undefined, promisedMicroUsd = 0): number =>
    mostFor(ledger.snapshot(), { account: "train", ownCapMicroUsd, promisedMicroUsd });
  expect(most(undefined)).toBe(7_000_000);
  expect(most(5_000_000)).toBe(4_000_000);
  expect(most(500_000)).toBe(0);
  ledger.hold("train", 3_000_000);
  expect(most(undefined)).toBe(4_000_000);
  expect(most(undefined, 3_000_000)).toBe(7_000_000);
});
