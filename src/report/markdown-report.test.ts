import { describe, expect, it } from "vitest";
import { fakeRunResults } from "../../test/report/fake-run-results.ts";
import { markdownReport } from "./markdown-report.ts";

describe("markdownReport", () => {
  const text = markdownReport(fakeRunResults());

  it("opens with the message and both numbers", () => {
    expect(text.split("\n").slice(0, 6)).toMatchInlineSnapshot(`
      [
        "# A model of 0.86 million parameters read 1,000 worked solutions. It now answers 79 % of unseen questions; before, 1 %.",
        "",
        "Grappa run \`demo-7-20261123-1a2b3c4d\`, recipe demo, seed 7.",
        "",
        "- Base: **1 %** (base at its best: direct answer; n = 300, 95 % interval 0.3–2.9 %; measured)",
        "- Student: **79 %** (student, thinking until it ends by itself; n = 300, 95 % interval 74.0–83.2 %; measured)",
      ]
    `);
  });

  it("marks forced text and keeps its line breaks", () => {
    expect(text).toContain("e-23 703-23=680\n⟪Wait⟫\na+36");
    expect(text).toContain("→ ⟪Final Answer:⟫ 125");
  });

  it("keeps hostile names inside their cell and hostile replies inside their fence", () => {
    const results = fakeRunResults();
    const [example] = results.examples;
    const [reply] = example!.replies;
    const hostile = markdownReport({
      ...results,
      funnel: [
        { stage: "a | b\n# c", in: 2, kept: 1, dropped: 1, reasons: { "<img src=x> @everyone | [x](http://y)": 1 } },
      ],
      examples: [
        { ...example!, replies: [{ ...reply!, thinking: [{ text: "````\n</details>\n# out", isForced: false }] }] },
      ],
    });
    expect(hostile).toContain("| a \\| b \\# c | 1 | 1 | &lt;img src=x&gt; &#64;everyone \\| \\[x\\](http://y) 1 |");
    expect(hostile).toContain("`````text\n````\n</details>\n# out\n");
  });
});
