import { expect, test } from "vitest";
import { lightColours, resolved, savedChart, type StyleRule } from "./saved-chart.ts";

const RULES: readonly StyleRule[] = [
  { selector: ":root", body: "--ink: #111; --paper:#fff; --student: #50f; --series-0: var(--student);" },
  { selector: ':root[data-theme="dark"]', body: "--ink: #eee; --paper: #000; --student: #caf;" },
  { selector: ".chart", body: "fill: var(--ink); width: 100%;" },
  { selector: ".chart .series-0", body: "stroke: var(--series-0);" },
  { selector: ".chart a:hover .halo", body: "stroke: var(--muted);" },
  { selector: ".chart-wide", body: "max-width: 60rem;" },
  { selector: "body", body: "background: var(--paper);" },
];
const path = { name: "path", attributes: { class: "series-0", d: "M0 0" }, children: [] };
const title = { name: "title", attributes: {}, children: ["Loss"] };
const chart = {
  name: "svg",
  attributes: { class: "chart", viewBox: "-4 -4 100 50", width: "100", height: "50" },
  children: [title, path],
};

test("takes the rules of charts alone, in the colours of light paper", () => {
  const svg = savedChart(chart, RULES);
  expect(svg).toContain("fill: #111;");
  expect(svg).toContain(".chart .series-0{stroke: #50f;}");
  expect(svg).toContain(".paper{fill:#fff}");
  for (const absent of ["var(", "#eee", "hover", "chart-wide", "body"]) expect(svg).not.toContain(absent);
});

test("stands on its own paper, with room around it, its title first", () => {
  const svg = savedChart(chart, RULES);
  expect(svg).toMatch(/^<svg class="chart" viewBox="-20 -20 132 82" width="132" height="82" xmlns="[^"]*"><style>/);
  expect(svg).toContain(
    '</style><title>Loss</title><rect class="paper" x="-20" y="-20" width="132" height="82"></rect><path',
  );
});

test("properties that name each other end", () => {
  const values = lightColours([{ selector: ":root", body: "--a: var(--b); --b: var(--a)" }]);
  expect(resolved("x{fill:var(--none)}", values)).toBe("x{fill:currentColor}");
  expect(resolved("x{fill:var(--a)}", values)).toMatch(/^x\{fill:var\(--[ab]\)\}$/);
});
