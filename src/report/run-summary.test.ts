import { describe, expect, it } from "vitest";
import { direct, fakeRunResults, fakeScore, NATURAL, think } from "../../test/report/fake-run-results.ts";
import { RunSummary } from "../schema/result.ts";
import { runSummary } from "./run-summary.ts";
import { settingLabel } from "./settings.ts";

describe("runSummary", () => {
  it("takes the better base, the natural end, and the sweep in order", () => {
    const summary = runSummary(fakeRunResults());
    expect(RunSummary.parse(summary)).toEqual(summary);
    expect(summary.base).toMatchObject({ accuracy: 3 / 300, n: 300 });
    expect(summary.student).toMatchObject({ accuracy: 237 / 300, thinkingTokens: 182 });
    expect(summary.sweep.map(({ budgetTokens, waits }) => [budgetTokens, waits])).toEqual([
      [16, 0],
      [32, 0],
      [64, 0],
      [96, 0],
      [128, 0],
      [NATURAL, 0],
      [NATURAL, 1],
      [NATURAL, 2],
    ]);
  });

  it("does not depend on the order of the scores", () => {
    const results = fakeRunResults();
    const reversed = { ...results, scores: [...results.scores].reverse() };
    expect(runSummary(reversed)).toEqual(runSummary(results));
  });

  it("says null, not 0, where nothing was scored", () => {
    const empty = fakeScore({ model: "student", setting: think(NATURAL), correct: 0, n: 0, tokens: 0 });
    const summary = runSummary(fakeRunResults({ scores: [empty] }));
    expect(RunSummary.parse(summary)).toEqual(summary);
    expect(summary.base).toEqual({ accuracy: null, n: 0, interval: null });
    expect(summary.student.accuracy).toBeNull();
  });
});

it.each([
  [direct, "direct answer"],
  [think(32), "cut at 32"],
  [think(NATURAL), "natural end"],
  [think(NATURAL, 1), "1 Wait"],
  [think(64, 2), "cut at 64, 2 Waits"],
])("%j is called %s", (setting, label) => {
  expect(settingLabel(setting, NATURAL)).toBe(label);
});
