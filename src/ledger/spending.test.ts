import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SpentPurchase, spentIn, spreadBill, sumSpending, verifiedTraceMicroUsd } from "./spending.ts";

const usage = { promptTokens: 10, completionTokens: 20, reasoningTokens: 15, isEstimated: false };
const bought = (rest: Partial<SpentPurchase> = {}): SpentPurchase => ({
  account: "trace",
  provider: "deepseek",
  model: "m",
  outcome: "reply",
  costMicroUsd: 7,
  basis: "measured",
  usage,
  ...rest,
});

describe("spending", () => {
  const purchases = [
    bought({ account: "attempt", model: "small", costMicroUsd: 1 }),
    bought(),
    bought(),
    bought({ outcome: "malformed", basis: "estimated", costMicroUsd: 50, usage: null }),
    bought({ outcome: "open", basis: "unknown", costMicroUsd: 100, usage: null }),
    bought({ outcome: "unpaid", basis: null, costMicroUsd: 0, usage: null }),
    bought({ provider: null, model: null, costMicroUsd: 0 }),
    bought({ account: "train", outcome: "charge", costMicroUsd: 1000, usage: null }),
  ];

  it("puts each amount into one column, by account, model and outcome", () => {
    const { rows, total, spentMicroUsd } = sumSpending(purchases);
    expect(rows.map(({ account, model, outcome, calls }) => [account, model, outcome, calls])).toEqual([
      ["attempt", "small", "reply", 1],
      ["trace", "m", "reply", 2],
      ["trace", "m", "malformed", 1],
      ["trace", "m", "open", 1],
      ["trace", "m", "unpaid", 1],
      ["trace", "unknown", "reply", 1],
      ["train", "m", "charge", 1],
    ]);
    expect(rows[1]).toMatchObject({
      promptTokens: 20,
      completionTokens: 40,
      reasoningTokens: 30,
      measuredMicroUsd: 14,
    });
    expect(total).toMatchObject({
      calls: 8,
      measuredMicroUsd: 1015,
      estimatedMicroUsd: 50,
      unknownMicroUsd: 100,
      freeCalls: 2,
    });
    expect(spentMicroUsd).toBe(1165);
  });

  it("prices a right trace by all that led to it, not by training", () => {
    expect(verifiedTraceMicroUsd(sumSpending(purchases), 2)).toBe(83); // (1 + 14 + 50 + 100) / 2, up
    expect(verifiedTraceMicroUsd(sumSpending(purchases), 0)).toBeNull();
  });

  it("adds up: rows to the total, the total to the purchases", () => {
    const purchase = fc.record({
      account: fc.constantFrom("attempt", "trace", "judge"),
      provider: fc.constantFrom("a", "b", null),
      model: fc.constantFrom("m", "n", null),
      outcome: fc.constantFrom("reply", "open", "malformed"),
      costMicroUsd: fc.nat({ max: 1_000_000_000 }),
      basis: fc.constantFrom("measured" as const, "estimated" as const, "unknown" as const),
      usage: fc.constantFrom(usage, null),
    });
    fc.assert(
      fc.property(fc.array(purchase, { maxLength: 40 }), (all) => {
        const { rows, total, spentMicroUsd } = sumSpending(all);
        expect(spentMicroUsd).toBe(all.reduce((sum, one) => sum + one.costMicroUsd, 0));
        expect(rows.reduce((sum, row) => sum + spentIn(row), 0)).toBe(spentMicroUsd);
        expect(rows.reduce((sum, { calls }) => sum + calls, 0)).toBe(all.length);
        expect(total.calls).toBe(all.length);
      }),
    );
  });
});

describe("a bill spread over requests", () => {
  it.each<[number, number[], number[]]>([
    [10, [1, 1, 2], [2, 3, 5]],
    [1, [5, 5], [0, 1]],
    [9, [0, 0], [4, 5]],
    [0, [3, 4], [0, 0]],
    [7, [0, 3], [0, 7]],
    [3, [], []],
  ])("%i over %j", (billed, worstCases, expected) => {
    expect(spreadBill(billed, worstCases)).toEqual(expected);
  });

  it("adds up exactly", () => {
    const worstCases = fc.array(fc.nat({ max: 1_000_000_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000_000 }), worstCases, (billed, all) => {
        const parts = spreadBill(billed, all);
        expect(parts.every((part) => part >= 0)).toBe(true);
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(billed);
      }),
    );
  });
});
