import { describe, expect, it } from "vitest";
import { direct, fakeRunResults, fakeScore, NATURAL, think } from "../../../test/report/fake-run-results.ts";
import { checkNesting, readTags } from "../../../test/report/markup-check.ts";
import type { Score } from "../../schema/records.ts";
import { referencesFor } from "../view/published-references.ts";
import { sweepOf } from "../view/sweep.ts";
import { accuracyChart, accuracyChartSvg } from "./accuracy-chart.ts";

const options = { width: 880, height: 440, idPrefix: "test" };

function circles(text: string): { cx: number; cy: number }[] {
  return readTags(text)
    .filter(({ name }) => name === "circle")
    .map(({ attributes }) => ({ cx: Number(attributes.get("cx")), cy: Number(attributes.get("cy")) }));
}

function chartOf(scores: readonly Score[]): string {
  return accuracyChart(sweepOf(fakeRunResults({ scores })).chart, options).text;
}

describe("accuracyChart", () => {
  it("spaces thinking by doublings and puts 100 % above 0 %", () => {
    const text = chartOf(
      [
        [32, 0],
        [64, 150],
        [128, 300],
      ].map(([tokens = 0, correct = 0]) => fakeScore({ model: "student", setting: think(tokens), correct, tokens })),
    );
    const [first, second, third] = circles(text);
    expect(second!.cx - first!.cx).toBeCloseTo(third!.cx - second!.cx, 0);
    expect(second!.cx).toBeGreaterThan(first!.cx);
    expect(second!.cy).toBeCloseTo((first!.cy + third!.cy) / 2, 0);
    expect(third!.cy).toBeLessThan(first!.cy);
  });

  it("gives settings without thinking a slot of their own, left of every other", () => {
    const text = chartOf([
      fakeScore({ model: "student", setting: direct, correct: 3, tokens: 0 }),
      fakeScore({ model: "student", setting: think(16), correct: 3, tokens: 16 }),
    ]);
    const square = readTags(text).find(({ attributes }) => attributes.get("class") === "point-direct");
    expect(Number(square?.attributes.get("x"))).toBeLessThan(circles(text)[0]!.cx);
    expect(text).toContain(">none</text>");
  });

  it("links its points where they lead somewhere, and is a picture where not", () => {
    const { chart } = sweepOf(fakeRunResults());
    const linkOf = ({ setting }: { readonly setting: string }) => `#"<at=${setting}`;
    const { text } = accuracyChart(chart, { ...options, linkOf, chosen: "think/768/1" });
    checkNesting(readTags(text));
    const links = readTags(text).filter(({ name, attributes }) => name === "a" && attributes.size > 0);
    expect(links.map(({ attributes }) => attributes.get("aria-label"))).toContain(
      "1 Wait 89 %, 89.0 % right: its answers",
    );
    expect(links.length).toBe(chart.points.length);
    expect(text.match(/aria-current="true"/g)).toHaveLength(1);
    expect(text).not.toContain('#"<at');
    expect(text).toContain('role="group"');
    expect(accuracyChart(chart, options).text).toMatch(/^<svg class="chart" role="img"(?![^]*<a )/);
  });

  it("draws others' figures as lines of their own, said to be published", () => {
    const { chart } = sweepOf(fakeRunResults());
    const references = referencesFor("math500");
    expect(references.length).toBeGreaterThan(1);
    expect(references[0]?.label).toMatch(/^s1-32B 93\.0 %, published$/);
    const { text } = accuracyChart({ ...chart, references }, options);
    expect(text.match(/class="reference-line"/g)).toHaveLength(references.length);
    expect(text).toContain("s1-32B 93.0 %, published");
    expect(referencesFor("none")).toEqual([]);
  });

  it("describes itself in words and leaves out what has no estimate", () => {
    const { chart } = sweepOf(
      fakeRunResults({
        scores: [
          fakeScore({ model: "base", setting: direct, correct: 3, tokens: 0 }),
          fakeScore({ model: "student", setting: think(NATURAL), correct: 237, tokens: 182 }),
          fakeScore({ model: "student", setting: think(32), correct: 0, n: 0, tokens: 0 }),
        ],
      }),
    );
    expect(chart.description).toBe("base 1.0 %. natural end 79 %: 79.0 % at 182 thinking tokens.");
    expect(accuracyChart(chart, options).text).not.toContain("cut at 32");
  });
});

it("accuracyChartSvg is a well-formed file of its own with colours for light and dark", () => {
  const text = accuracyChartSvg(sweepOf(fakeRunResults()).chart);
  checkNesting(readTags(text));
  expect(text.startsWith("<svg ")).toBe(true);
  expect(text).toContain('xmlns="http://www.w3.org/2000/svg"');
  expect(text).toContain("prefers-color-scheme:dark");
  expect(text).toContain("--student:#5b3594");
});
