import { expect, it } from "vitest";
import { RowCondition } from "../../schema/question-source.ts";
import { fieldAt, listKey, passes } from "./row-conditions.ts";

const row = {
  number: 1,
  values: {
    source: "aops_forum",
    level: 5,
    year: "1999",
    empty: " ",
    none: null,
    on: true,
    meta: { tags: ["a", "b"] },
  },
};
const lists = new Map([["kept", new Set([listKey("aops_forum")])]]);

it.each<[object, boolean]>([
  [{ field: "source", equals: "aops_forum" }, true],
  [{ field: "source", equals: "AOPS_forum" }, false],
  [{ field: "level", equals: 5 }, true],
  // CSV has no numbers: what it holds is compared as text.
  [{ field: "level", equals: "5" }, true],
  [{ field: "on", equals: true }, true],
  [{ field: "missing", equals: "x" }, false],
  [{ field: "missing", notEquals: "x" }, true],
  [{ field: "source", in: ["x", "aops_forum"] }, true],
  [{ field: "source", notIn: ["x", "aops_forum"] }, false],
  [{ field: "none", in: ["null"] }, false],
  [{ field: "none", isNull: true }, true],
  [{ field: "empty", isNull: true }, true],
  [{ field: "missing", isNull: true }, true],
  [{ field: "level", isNull: false }, true],
  [{ field: "source", startsWith: "aops" }, true],
  [{ field: "source", startsWith: "forum" }, false],
  // Letter for letter: nothing in it is a pattern.
  [{ field: "source", contains: "s_f" }, true],
  [{ field: "source", contains: "a.*m" }, false],
  [{ field: "source", notContains: "[asy]" }, true],
  [{ field: "year", lessOrEqual: 1999 }, true],
  [{ field: "year", lessOrEqual: 1998 }, false],
  [{ field: "year", greaterOrEqual: 1999 }, true],
  [{ field: "source", lessOrEqual: 1e9 }, false],
  [{ field: "empty", lessOrEqual: 1 }, false],
  [{ field: "missing", greaterOrEqual: 0 }, false],
  [{ field: "meta.tags.1", equals: "b" }, true],
  [{ field: "meta.tags.2", isNull: true }, true],
  [{ field: "meta.constructor", isNull: true }, true],
  [{ field: "source", listedIn: "kept" }, true],
  [{ field: "source", notListedIn: "kept" }, false],
  [{ field: "missing", notListedIn: "kept" }, true],
  [{ field: "source", equals: "x", or: [{ field: "level", greaterOrEqual: 5 }] }, true],
  [{ field: "source", equals: "x", or: [{ field: "level", greaterOrEqual: 6 }] }, false],
])("%j holds: %s", (test, expected) => {
  expect(passes(row, [RowCondition.parse(test)], lists)).toBe(expected);
});

it("all conditions must hold, and an unknown list is named", () => {
  const [yes, no] = [
    { field: "level", equals: 5 },
    { field: "level", equals: 6 },
  ];
  expect(passes(row, [], lists)).toBe(true);
  expect(passes(row, [yes, no], lists)).toBe(false);
  expect(() => passes(row, [{ field: "source", listedIn: "other" }], lists)).toThrow(
    'a test names the list "other", which its source does not have',
  );
});

it.each([{ field: "a" }, { field: "a", equals: 1, in: [1] }, { equals: 1 }, { field: "a", matches: "(a+)+$" }])(
  "%j is no test",
  (test) => {
    expect(RowCondition.safeParse(test).success).toBe(false);
  },
);

it("a field's own name with dots in it comes before a path", () => {
  expect(fieldAt({ number: 1, values: { "a.b": 1, a: { b: 2 } } }, "a.b")).toBe(1);
});
