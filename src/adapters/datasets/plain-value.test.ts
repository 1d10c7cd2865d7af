import { describe, expect, it } from "vitest";
import { PlainValueError, plainRecord, plainValue } from "./plain-value.ts";

describe("dates", () => {
  it("are ISO text", () => {
    expect(plainValue(new Date(0))).toBe("1970-01-01T00:00:00.000Z");
  });

  it("that no calendar has are refused as every other value is", () => {
    expect(() => plainRecord({ seen: new Date(Number.NaN) })).toThrow(PlainValueError);
    expect(() => plainValue([new Date(8.64e15 + 1)])).toThrow("a date that no calendar has");
  });
});
