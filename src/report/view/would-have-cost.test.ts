import { describe, expect, it } from "vitest";
import { fakeRunResults } from "../../../test/report/fake-run-results.ts";
import { markdownReport } from "../markdown-report.ts";
import { wouldHaveCostOf } from "./would-have-cost.ts";

describe("wouldHaveCostOf", () => {
  const results = fakeRunResults();
  const view = wouldHaveCostOf(results);
  const cells = (table: typeof view.steps, start: string) =>
    table.rows.find((row) => row.cells[0]!.text.startsWith(start))!.cells.map(({ text }) => text);

  it("sets each step of s1 beside the stage that does the same", () => {
    expect(view.steps.rows.map((row) => row.cells.map(({ text }) => text))).toEqual([
      ["traces: 0.3 M tokens in, 4.7 M tokens out", "$0, 8.9 s", "$2.38–142.50"],
      ["fine-tune: 6.93 GPU-hours", "$0, 2 min 31 s", "$18.65–76.12"],
      ["evaluation: 0.218–1.11 M tokens in, 2.53–7.68 M tokens out", "$0, 1 min 36 s", "$1.55–4.85"],
      ["fine-tune alone, as TechCrunch had it on 2025-02-05", "", "under $50"],
      ["all of it", "$0, 4 min 28 s", "$22.59–223.48"],
    ]);
    expect(wouldHaveCostOf({ ...results, ledger: [] }).steps.rows[0]!.cells[1]).toEqual({ text: "–" });
  });

  it("names every teacher and cloud with its price, the day and the site", () => {
    expect(cells(view.prices, "traces: DeepSeek V4 Pro")).toEqual([
      "traces: DeepSeek V4 Pro (DeepSeek)",
      "$0.66–1.32 in, $1.98–3.96 out",
      "$9.50–19.01",
      "2026-09-23, api-docs.deepseek.com; off-peak to peak hours",
    ]);
    expect(cells(view.prices, "fine-tune: H100 (Lambda)")).toEqual([
      "fine-tune: H100 (Lambda)",
      "$3.99 an hour",
      "$27.66",
      "2026-09-25, lambda.ai",
    ]);
    expect(view.prices.rows).toHaveLength(10);
  });

  it("labels every dollar: estimated, published, or this run's own", () => {
    const bases = (table: typeof view.steps, column: number) => table.rows.map((row) => row.cells[column]!.basis);
    expect(bases(view.steps, 1)).toEqual(["measured", "measured", "measured", undefined, "measured"]);
    expect(bases(view.steps, 2)).toEqual(["estimated", "estimated", "estimated", "published", "estimated"]);
    expect(new Set(bases(view.prices, 2))).toEqual(new Set(["estimated"]));
    expect(view.sentence).toMatch(/^Estimated at list prices of 2026-09-23 to 2026-10-07/);
    expect(view.short).toMatch(/^s1's way, estimated at list prices of 2026-09-23 to 2026-10-07: \$/);
  });

  it("stands in the Markdown with its labels", () => {
    const text = markdownReport(results);
    expect(text).toContain("| $0, 4 min 28 s (measured) | $22.59–223.48 (estimated) |");
    expect(text).toContain("| under $50 (published) |");
    expect(text).toContain("| $2.38 (estimated) | 2026-09-23, developers.openai.com |");
  });
});
