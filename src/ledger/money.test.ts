import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import { formatUsd, microUsdFromUsd, parseUsd } from "./money.ts";

describe("money", () => {
  it.each([
    [0, "$0.00"],
    [1, "$0.000001"],
    [4_200, "$0.0042"],
    [100_000, "$0.10"],
    [1_000_000, "$1.00"],
    [1_234_567, "$1.234567"],
    [50_000_000, "$50.00"],
    [-2_500_000, "-$2.50"],
  ])("writes %i as %s", (microUsd, text) => {
    expect(formatUsd(microUsd)).toBe(text);
  });

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999_999_999 }), (microUsd) => {
        expect(parseUsd(formatUsd(microUsd))).toBe(microUsd);
      }),
    );
  });

  it.each(["", "1,50", "0.0000001", "1e3", "-1", "NaN", "9".repeat(400)])("refuses %j", (text) => {
    expect(() => parseUsd(text)).toThrow(AppError);
  });

  it("takes dollars of a recipe to the nearest micro-dollar", () => {
    expect(microUsdFromUsd(0.29)).toBe(290_000); // 0.29 * 1e6 is 289999.99999999994
    expect(() => microUsdFromUsd(-1)).toThrow(AppError);
    expect(() => microUsdFromUsd(Number.POSITIVE_INFINITY)).toThrow(AppError);
  });
});
