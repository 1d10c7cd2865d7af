import { describe, expect, it } from "vitest";
import { GPU_PRICES, STUDENT_SIZE_PRICES, TEACHER_PRICES } from "./dated-prices.ts";
import { evaluationMillions, fineTuneGpuHours } from "./s1-work.ts";
import { purposeUsd, wouldHaveCost } from "./would-have-cost.ts";

const estimate = wouldHaveCost();
const usdOf = (supplier: string) => estimate.items.find((one) => one.supplier.startsWith(supplier))?.usd;

describe("wouldHaveCost, against sums done by hand", () => {
  it.each([
    // 0.3 million prompt tokens and 4.7 million of reasoning: 0.3 * in + 4.7 * out
    ["GPT-6 Luna", 0.03 + 2.35, 0.03 + 2.35],
    ["DeepSeek V4 Pro", 0.198 + 9.306, 0.396 + 18.612],
    ["Gemini 3.8 Flash", 0.225 + 17.625, 0.45 + 35.25],
    ["Claude Sonnet 5", 0.6 + 47, 0.6 + 47],
    ["Gemini 3.1 Pro Preview", 0.6 + 56.4, 0.6 + 56.4],
    ["GPT-5.5", 1.5 + 141, 1.5 + 141],
    // 16 GPUs for 26 minutes are 6.9333 GPU-hours
    ["H100 (RunPod)", 18.650667, 24.197333],
    ["H100 (Lambda)", 27.664, 27.664],
    ["H100 (Google Cloud)", 76.12176, 76.12176],
    // one pass: 0.2184 and 2.52725 million tokens; every point: 1.11 and 7.682956 million
    ["Qwen3 32B", 0.063336 + 1.4910775, 0.3219 + 4.532944],
  ])("%s", (supplier, low, high) => {
    expect(usdOf(supplier)![0]).toBeCloseTo(low, 6);
    expect(usdOf(supplier)![1]).toBeCloseTo(high, 6);
  });

  it("adds the cheapest of each purpose, and the dearest", () => {
    expect(purposeUsd(estimate.items, "traces")).toEqual([2.38, 142.5]);
    expect(estimate.usd[0]).toBeCloseTo(2.38 + 18.650667 + 1.554414, 5);
    expect(estimate.usd[1]).toBeCloseTo(142.5 + 76.12176 + 4.854844, 5);
  });

  it("counts s1's work as the paper gives it", () => {
    expect(fineTuneGpuHours()).toBeCloseTo(6.9333, 4);
    const { input, output } = evaluationMillions();
    // 30 * 6109 + 500 * 3298 + 198 * 3510
    expect(output[0]).toBeCloseTo(2.52725, 9);
    // 30 * 26709 + 500 * 9365 + 198 * 11107
    expect(output[1]).toBeCloseTo(7.682956, 9);
    expect(input).toEqual([0.2184, 1.11]);
  });

  it("names teachers only where a price is given, and follows it", () => {
    const [one] = TEACHER_PRICES;
    const dear = { ...one!, outputPerMillion: [1_000_000, 2_000_000] as const };
    const { items, usd } = wouldHaveCost({ teachers: [dear], students: [], gpus: [] });
    expect(items).toHaveLength(1);
    expect(usd).toEqual([0.03 + 4.7, 0.03 + 9.4]);
    expect(wouldHaveCost({ teachers: [], students: [], gpus: [] })).toMatchObject({ items: [], usd: [0, 0] });
  });
});

describe("the dated prices", () => {
  const all = [...TEACHER_PRICES, ...STUDENT_SIZE_PRICES, ...GPU_PRICES];

  it.each(all.map((price) => [`${price.provider} ${"model" in price ? price.model : price.gpu}`, price] as const))(
    "%s has a day, a source and a range in order",
    (_name, price) => {
      expect(price.asOf).toMatch(/^2026-(09|10)-\d\d$/);
      expect(price.source.length).toBeGreaterThan(10);
      const ranges = "model" in price ? [price.inputPerMillion, price.outputPerMillion] : [price.perHour];
      for (const [low, high] of ranges) {
        expect(Number.isSafeInteger(low) && Number.isSafeInteger(high) && 0 < low && low <= high).toBe(true);
      }
      const isRange = ranges.some(([low, high]) => low !== high);
      expect(price.range !== "").toBe(isRange);
    },
  );

  it("says when the prices were looked up, and that the press's figure is no estimate", () => {
    expect([estimate.pricesFrom, estimate.pricesTo]).toEqual(["2026-09-23", "2026-10-07"]);
    expect(estimate.basis).toBe("estimated");
    expect(estimate.published).toMatchObject({ basis: "published", usdBelow: 50, asOf: "2025-02-05" });
  });
});
