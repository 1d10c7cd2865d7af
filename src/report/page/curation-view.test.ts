import fc from "fast-check";
import { expect, test } from "vitest";
import { pairedBars } from "../charts/paired-bars.ts";
import { compareSides, curationStages } from "./curation-view.ts";

test("every trace is counted once on its side, in domains and in lengths", () => {
  const trace = fc.record({
    isSelected: fc.boolean(),
    domain: fc.constantFrom(...Array.from({ length: 40 }, (_, at) => `d${at}`)),
    thinkingTokens: fc.integer({ min: 0, max: 40_000 }),
  });
  fc.assert(
    fc.property(fc.array(trace, { minLength: 1 }), (traces) => {
      const { selected, dropped, domains, lengths } = compareSides(traces);
      expect(selected + dropped).toBe(traces.length);
      expect(domains.length).toBeLessThanOrEqual(16);
      const isAllZero = traces.every(({ thinkingTokens }) => thinkingTokens === 0);
      for (const rows of isAllZero ? [domains] : [domains, lengths]) {
        expect(rows.reduce((sum, row) => sum + row.selected, 0)).toBe(selected);
        expect(rows.reduce((sum, row) => sum + row.dropped, 0)).toBe(dropped);
      }
      expect(lengths.length).toBeLessThanOrEqual(11);
    }),
  );
});

test("lengths fall into round steps", () => {
  const traces = [0, 99, 100, 480].map((thinkingTokens) => ({
    isSelected: thinkingTokens < 100,
    domain: "d",
    thinkingTokens,
  }));
  const { lengths, medians } = compareSides(traces);
  expect(lengths.map(({ label }) => label).slice(0, 3)).toEqual(["0–49", "50–99", "100–149"]);
  expect(lengths[2]).toEqual({ label: "100–149", selected: 0, dropped: 1 });
  expect(medians).toEqual({ selected: 0, dropped: 100 });
});

test("reasons keep their names, the most frequent first", () => {
  const [stage] = curationStages([
    { stage: "select", in: 10, kept: 3, dropped: 7, reasons: { a_b: 2, "not-drawn": 5, none: 0 } },
  ]);
  expect(stage?.reasons).toEqual([
    { reason: "not-drawn", count: 5 },
    { reason: "a_b", count: 2 },
  ]);
});

test("bars escape what they are called, and show both shares", () => {
  const svg = pairedBars(
    {
      title: "t",
      description: "d",
      rows: [
        { label: "<b>", selected: 3, dropped: 0 },
        { label: "y", selected: 1, dropped: 5 },
      ],
    },
    { width: 400, height: 0, idPrefix: "x" },
  ).text;
  expect(svg).toContain("&lt;b&gt;");
  expect(svg).toContain("75.0 % (3)");
  expect(svg).toContain("100.0 % (5)");
});
