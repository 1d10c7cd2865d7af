import { describe, expect, it } from "vitest";
import { fakeControls, fakeRunResults } from "../../../test/report/fake-run-results.ts";
import { controlsOf, waitClaimOf } from "./controls.ts";

describe("waitClaimOf", () => {
  it("claims nothing where control (a) was not run, and says what was measured", () => {
    const claim = waitClaimOf(fakeRunResults());
    expect(claim?.isClaimed).toBe(false);
    expect(claim?.sentence).toBe(
      "That Wait helps is not claimed: control (a), a student taught without slips, was not run (--controls runs it). With 1 forced Wait the student is right on 89.0 % instead of 79.0 %: 38 wrong answers turned right, 8 right ones wrong (n = 300, exact McNemar p < 0.0001).",
    );
  });

  it("claims it beside a control (a) whose first pass is no more than three points better", () => {
    const claim = waitClaimOf(fakeRunResults({ controls: fakeControls({ slipless: 0.81 }) }));
    expect(claim?.isClaimed).toBe(true);
    expect(claim?.sentence).toContain("right on 79.0 %, that of control (a), taught without slips, on 81.0 %");
    expect(waitClaimOf(fakeRunResults({ controls: fakeControls({ slipless: 0.83 }) }))).toMatchObject({
      isClaimed: false,
      sentence: expect.stringContaining("it may only mend what the teacher's slips spoiled") as string,
    });
  });

  it("claims it of a student whose teacher never slips, controls or not", () => {
    const { recipe } = fakeRunResults();
    const teacher = { ...recipe.trace.teacher, slipRate: 0 } as typeof recipe.trace.teacher;
    const claim = waitClaimOf(fakeRunResults({ recipe: { ...recipe, trace: { ...recipe.trace, teacher } } }));
    expect(claim?.isClaimed).toBe(true);
    expect(claim?.sentence).toMatch(/Its teacher never slips: no planted error is there to mend\.$/);
  });

  it("has nothing to say where no Wait was forced", () => {
    const { verdict } = fakeRunResults();
    expect(waitClaimOf(fakeRunResults({ verdict: { ...verdict, waits: [] } }))).toBeNull();
  });
});

describe("controlsOf", () => {
  it("sets every control beside the main student", () => {
    const { table, note } = controlsOf(fakeRunResults({ controls: fakeControls({ slipless: 0.8 }) }));
    expect(table?.rows.map(({ cells }) => cells.map(({ text }) => text).join(" | "))).toEqual([
      "(a) traces without slips: natural end | 80.0 % (75.1–84.1 %) | 175 | 79.0 %, natural end | +1.0 (−4.0 to +6.0) | 0.74",
      "(d) going on without the word: 1 end swallowed | 4.0 % (2.3–6.9 %) | 294 | 89.0 %, 1 Wait | −85.0 (−89.0 to −80.0) | < 0.0001",
      "(e) majority vote: of 2 at temperature 0.3 | 70.0 % (64.6–74.9 %) | 350 | 89.0 %, 1 Wait | −19.0 (−24.0 to −14.0) | < 0.0001",
    ]);
    expect(table?.caption).toContain("n = 300.");
    expect(note).toContain("The controls took 1 min 38 s");
    expect(note).toContain("in 5 % of replies the student still came to write it next");
    expect(note).toContain("(b) was not run: no room.");
  });

  it("says that none was run, and how to run them", () => {
    expect(controlsOf(fakeRunResults())).toMatchObject({
      table: null,
      note: expect.stringMatching(/^No control was run.*--controls/) as string,
    });
  });
});
