import { describe, expect, test } from "vitest";
import { GradeRow } from "../schema/grade-row.ts";
import { GoldCache } from "./gold-cache.ts";
import { gradeLine } from "./grade-line.ts";

function grade(value: unknown): GradeRow {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return GradeRow.parse(gradeLine({ number: 3, text }, { golds: new GoldCache(), profile: "math" }));
}

describe("gradeLine", () => {
  test("grades a row, and ignores what it does not know beside it", () => {
    const row = grade({ id: 7, gold: "12", pred: "12", expected: true });
    expect(row).toMatchObject({ line: 3, outcome: "correct", error: null });
    expect(row.canonical).toBe(row.goldCanonical);
    expect(grade({ gold: "12", pred: "13" }).outcome).toBe("incorrect");
  });

  test("null stands for the default", () => {
    const options = { targets: null, precision: null, strict: null, allowSetRelationComparison: null };
    expect(grade({ gold: "12", pred: "12", profile: null, options })).toEqual(grade({ gold: "12", pred: "12" }));
    expect(grade({ gold: "12", pred: "12", options: null }).outcome).toBe("correct");
  });

  test.each([
    ["an empty line", "  ", "the line is empty"],
    ["half a row", '{"gold": "1"', "the line is not JSON"],
    ["no object", "[1]", "expected object"],
    ["no reply", { gold: "1" }, "pred:"],
    ["a number for a text", { gold: 1, pred: "1" }, "gold:"],
    ["an unknown profile", { gold: "1", pred: "1", profile: "hard" }, "profile:"],
    ["an unknown option", { gold: "1", pred: "1", options: { tolerance: 1 } }, "options: Unrecognized key"],
    ["an unknown target", { gold: "1", pred: "1", options: { targets: ["text"] } }, "options.targets.0:"],
    ["a precision out of range", { gold: "1", pred: "1", options: { precision: 99 } }, "options.precision:"],
  ])("%s gives an error row", (_phenomenon, value, message) => {
    const row = grade(value);
    expect(row).toMatchObject({ line: 3, outcome: "row_error", canonical: null, error: { code: "row-invalid" } });
    expect(row.error?.message).toContain(message);
  });

  test("a gold that is none is an error of the gold, never of the reply", () => {
    expect(grade({ gold: " ", pred: "1" })).toMatchObject({ outcome: "gold_error", error: { code: "gold-error" } });
  });

  test("names in a row cannot reach a prototype", () => {
    const row = grade('{"__proto__": {"gold": "1", "pred": "1"}, "constructor": 1}');
    expect(row.outcome).toBe("row_error");
    expect(({} as Record<string, unknown>).gold).toBeUndefined();
  });
});
