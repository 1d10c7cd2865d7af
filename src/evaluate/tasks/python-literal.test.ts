import fc from "fast-check";
import { expect, it } from "vitest";
import { mbppShapes } from "./evalplus-inputs.ts";
import { jsonElements, LiteralError, pythonArguments, pythonLiteral } from "./python-literal.ts";

it("keeps the spelling of numbers, which JSON.parse loses", () => {
  expect(pythonLiteral("[3.0, 1e5, 1000000000000000000000000000001, -0.50]")).toBe(
    "[3.0, 1e5, 1000000000000000000000000000001, -0.50]",
  );
});

it("writes words and strings as Python does", () => {
  expect(pythonLiteral('{"a": [true, false, null], "\\/b\\u00e9\\ud83d\\ude00\\n": "it\'s"}')).toBe(
    '{"a": [True, False, None], "/bé😀\\n": "it\'s"}',
  );
});

it.each([
  [2, "[[1, 2], [3]]", "[(1, 2), (3,)]"],
  [63, "[[[1, 2], []]]", "[[(1, 2), ()]]"],
  [75, "[[[1, 2]], [3]]", "[[(1, 2)], [3]]"],
  [106, "[[1], [2, 3]]", "[[1], (2, 3)]"],
  [115, "[[[1, 2], []]]", "[[{1, 2}, {}]]"],
  [124, '["0", "1j"]', '[float("0"), complex("1j")]'],
  [250, "[[1, 2], 3]", "[(1, 2), 3]"],
  [278, "[[5, [6, 7]]]", "[(5, (6, 7))]"],
  [580, "[[4, [5, [6]]]]", "[(4, (5, (6,)))]"],
  [722, '[{"x": [6.2, 70]}, 6.0]', '[{"x": (6.2, 70)}, 6.0]'],
  [11, "[[1], 2]", "[[1], 2]"],
])("MBPP+ %i: %s", (task, json, python) => {
  expect(pythonArguments(json, mbppShapes(task))).toBe(python);
});

it("without a shape, is JSON again once the words are put back", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const json = JSON.stringify(value);
      // Every string becomes "s", so that putting words back touches no string.
      const bare = json.replace(/"(?:[^"\\]|\\.)*"/g, '"s"');
      const back = pythonLiteral(bare).replace(/True/g, "true").replace(/False/g, "false").replace(/None/g, "null");
      expect(JSON.parse(back)).toEqual(JSON.parse(bare));
    }),
  );
});

it("splits a list into its elements' own texts", () => {
  expect(jsonElements(' [ [1.0, "a,]"] , {"b": [2]},3 ] ')).toEqual(['[1.0, "a,]"]', '{"b": [2]}', "3"]);
  expect(jsonElements("[]")).toEqual([]);
});

it.each(["", "[", "[1,]", "[1] 2", "{1: 2}", "NaN", "[Infinity]", "'a'", "__import__('os')", '"\\x41"', "[1 2]"])(
  "refuses %j",
  (json) => {
    expect(() => pythonLiteral(json)).toThrow(LiteralError);
  },
);

it("refuses what is nested too deep without exhausting the stack", () => {
  expect(() => pythonLiteral("[".repeat(1_000_000))).toThrow(LiteralError);
});
