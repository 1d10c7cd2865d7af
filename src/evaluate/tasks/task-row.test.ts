import { describe, expect, it } from "vitest";
import { fillTemplate } from "./fill-template.ts";
import { metadataOf, optionalTextField, textField } from "./task-row.ts";

const row = (values: Readonly<Record<string, unknown>>) => ({ number: 1, values });

describe("numbers that are not finite", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%s is no text", (level) => {
    const expected = { code: "record-invalid", message: `row 1, field level: expected text, found ${level}` };
    expect(() => textField(row({ level }), ["level"])).toThrow(expect.objectContaining(expected));
    expect(() => optionalTextField(row({ level }), ["level"])).toThrow(expect.objectContaining(expected));
    expect(() => fillTemplate("Level {level}", row({ level }), "template")).toThrow(expect.objectContaining(expected));
  });

  it("are no metadata: JSON has no writing of them", () => {
    expect(
      metadataOf(row({ level: Number.NaN, size: Number.POSITIVE_INFINITY, year: 1999 }), ["level", "size", "year"]),
    ).toEqual({
      year: 1999,
    });
  });
});
